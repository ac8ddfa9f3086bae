//! Robots and drives as shared resources.
