//! File indexes: one immutable file per set or part.
