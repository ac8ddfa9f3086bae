//! Names of users and groups, asked for once each.

use std::collections::HashMap;

use nix::unistd::{Gid, Group, Uid, User};

/// Names by number as this host knows them.
#[derive(Debug, Default)]
pub struct OwnerNames {
    users: HashMap<u32, Vec<u8>>,
    groups: HashMap<u32, Vec<u8>>,
}

impl OwnerNames {
    /// Name of a user; empty if this host has none.
    pub fn user(&mut self, uid: u32) -> Vec<u8> {
        self.users
            .entry(uid)
            .or_insert_with(|| {
                let user = User::from_uid(Uid::from_raw(uid)).ok().flatten();
                user.map(|user| user.name.into_bytes()).unwrap_or_default()
            })
            .clone()
    }

    /// Name of a group; empty if this host has none.
    pub fn group(&mut self, gid: u32) -> Vec<u8> {
        self.groups
            .entry(gid)
            .or_insert_with(|| {
                let group = Group::from_gid(Gid::from_raw(gid)).ok().flatten();
                group
                    .map(|group| group.name.into_bytes())
                    .unwrap_or_default()
            })
            .clone()
    }
}
