//! The table `attachment`.

use sea_orm::ActiveValue::Set;
use sea_orm::entity::prelude::*;
use types::TenantId;

use crate::domain::{Attachment, AttachmentKind};
use crate::store::Error;
use crate::store::entity::network::{from_json, parsed, to_json};

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "attachment")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub network_id: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub kind: String,
    pub tenant_id: String,
    pub cidrs: String,
    pub ports: String,
    pub private_name: String,
    pub peer_identity: String,
    pub allow_overlap: bool,
    pub create_time: i64,
}

impl ActiveModelBehavior for ActiveModel {}

impl TryFrom<Model> for Attachment {
    type Error = Error;

    fn try_from(row: Model) -> Result<Self, Error> {
        Ok(Self {
            network: parsed("attachment.network_id", &row.network_id)?,
            kind: AttachmentKind::parse(&row.kind).ok_or(Error::Corrupt("attachment.kind"))?,
            id: row.id,
            cidrs: from_json("attachment.cidrs", &row.cidrs)?,
            ports: from_json("attachment.ports", &row.ports)?,
            private_name: row.private_name,
            peer_identity: row.peer_identity,
            allow_overlap: row.allow_overlap,
            create_time: row.create_time,
        })
    }
}

/// The whole row of an attachment.
pub(in crate::store) fn row(attachment: &Attachment, tenant: &TenantId) -> ActiveModel {
    ActiveModel {
        network_id: Set(attachment.network.to_string()),
        id: Set(attachment.id.clone()),
        kind: Set(attachment.kind.as_str().to_owned()),
        tenant_id: Set(tenant.to_string()),
        cidrs: Set(to_json(&attachment.cidrs)),
        ports: Set(to_json(&attachment.ports)),
        private_name: Set(attachment.private_name.clone()),
        peer_identity: Set(attachment.peer_identity.clone()),
        allow_overlap: Set(attachment.allow_overlap),
        create_time: Set(attachment.create_time),
    }
}
