//! What the firewalls of networks have to admit.

use std::collections::HashMap;

use sea_orm::{ConnectionTrait, Statement};
use types::{Cidr, GroupId, NetworkId};

use super::entity::network::{from_json, parsed};
use super::{Error, Store};
use crate::domain::FirewallWanted;

impl Store {
    /// What the firewall of each network of a group has to admit that is watched for drift; those that admit nobody may
    /// be missing.
    pub async fn firewalls_wanted(
        &self,
        group: &GroupId,
    ) -> Result<HashMap<NetworkId, FirewallWanted>, Error> {
        let sql = "SELECT n.id AS id, e.cidr AS cidr, NULL AS ports \
                   FROM network n JOIN allow_list_entry e ON e.network_id = n.id \
                   WHERE n.group_id = $1 AND n.lane = 'drift' \
                   UNION ALL SELECT n.id, NULL, a.ports \
                   FROM network n JOIN attachment a ON a.network_id = n.id AND a.kind = 'DATASTORE' \
                   WHERE n.group_id = $1 AND n.lane = 'drift'";
        let conn = self.db.read();
        let values = [group.to_string().into()];
        let ask = Statement::from_sql_and_values(conn.get_database_backend(), sql, values);
        let mut wanted: HashMap<NetworkId, FirewallWanted> = HashMap::new();
        for row in conn.query_all_raw(ask).await? {
            let id: String = row.try_get("", "id")?;
            let one = wanted.entry(parsed("network.id", &id)?).or_default();
            if let Some(cidr) = row.try_get::<Option<String>>("", "cidr")? {
                let cidr: Cidr = parsed("allow_list_entry.cidr", &cidr)?;
                one.cidrs.push(cidr);
            }
            if let Some(ports) = row.try_get::<Option<String>>("", "ports")? {
                let ports: Vec<u16> = from_json("attachment.ports", &ports)?;
                one.ports.extend(ports);
            }
        }
        for one in wanted.values_mut() {
            one.cidrs.sort_unstable();
            one.cidrs.dedup();
            one.ports.sort_unstable();
            one.ports.dedup();
        }
        Ok(wanted)
    }
}
