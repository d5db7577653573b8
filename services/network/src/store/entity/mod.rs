//! The tables as rows, and what they are in the domain's words.

// The ORM's macros make public items.
#![allow(unreachable_pub)]

pub(super) mod allow_list_entry;
pub(super) mod attachment;
pub(super) mod claim;
pub(super) mod network;
pub(super) mod network_label;
pub(super) mod tombstone;
