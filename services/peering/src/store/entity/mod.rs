//! The tables as rows; nothing outside the store names them.

pub mod peering;
pub mod peering_label;
