//! Which ranges may reach the datastores of a network.

use prost::Message;
use runtime::request_ids;
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::OnConflict;
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, DatabaseTransaction, EntityTrait, QueryFilter,
    QueryOrder, QuerySelect,
};
use types::{Cidr, NetworkId, TenantScope};

use super::attachments::standing;
use super::claims::bounds;
use super::entity::allow_list_entry::{ActiveModel, Column, Entity, Model};
use super::entity::network::parsed;
use super::intent::{Call, hasten};
use super::networks::lock_network;
use super::{Error, Happening, Origin, Store};
use crate::domain::{
    Attachment, Entry, FirewallWanted, Follow, Network, check_entry, check_room, follow, missing,
    open_ports, peerings,
};

/// Rows of one statement: SQLite takes 32,766 values in it.
const ROWS: usize = 1_000;

impl Store {
    /// Adds an entry, or gives it another description. One that followed a peering is the owner's own from then on.
    ///
    /// # Errors
    /// A network that is leaving, a firewall that has no room.
    pub async fn put_entry<A: Message + Default>(
        &self,
        call: &Call<'_>,
        cidr: Cidr,
        description: String,
        answer: impl FnOnce(&Network, &Entry) -> A,
    ) -> Result<(Network, A), Error> {
        let txn = self.db.begin().await?;
        let mut network = lock_network(&txn, call.tenant, call.id).await?;
        if let Some(answer) = request_ids::replay(&txn, call.key, call.now).await? {
            return Ok((network, answer));
        }
        network.check_stays()?;
        let before = network.clone();
        let recorded = Entity::find_by_id(key(call.id, cidr)).one(&txn).await?;
        let entry = match recorded.map(Entry::try_from).transpose()? {
            Some(same) if same.description == description && same.peering.is_empty() => same,
            Some(other) => {
                let entry = Entry {
                    description,
                    peering: String::new(),
                    ..other
                };
                put(&txn, call.id, std::slice::from_ref(&entry)).await?;
                let happening = Some(Happening::AllowListChanged);
                self.write(
                    &txn,
                    &before,
                    &mut network,
                    happening,
                    call.origin,
                    call.now,
                )
                .await?;
                entry
            }
            None => {
                self.check_more(&txn, &network, 1).await?;
                network.raise_firewall_goal(call.traceparent.clone(), call.now);
                let entry = Entry {
                    description,
                    ..new_entry(&network, cidr, "", call.now)
                };
                put(&txn, call.id, std::slice::from_ref(&entry)).await?;
                self.write_list(&txn, &before, &mut network, call).await?;
                entry
            }
        };
        let answer = answer(&network, &entry);
        self.finish(txn, call, &answer).await?;
        Ok((network, answer))
    }

    /// Removes an entry, if it is there.
    ///
    /// # Errors
    /// A network that is leaving.
    pub async fn delete_entry<A: Message + Default>(
        &self,
        call: &Call<'_>,
        cidr: Cidr,
        answer: A,
    ) -> Result<(Network, A), Error> {
        let txn = self.db.begin().await?;
        let mut network = lock_network(&txn, call.tenant, call.id).await?;
        if let Some(answer) = request_ids::replay(&txn, call.key, call.now).await? {
            return Ok((network, answer));
        }
        network.check_stays()?;
        let before = network.clone();
        let deleted = Entity::delete_by_id(key(call.id, cidr)).exec(&txn).await?;
        if deleted.rows_affected > 0 {
            network.raise_firewall_goal(call.traceparent.clone(), call.now);
            self.write_list(&txn, &before, &mut network, call).await?;
        }
        self.finish(txn, call, &answer).await?;
        Ok((network, answer))
    }

    /// Adds the ranges of all peerings that no entry contains, all of them or none, each to follow its peering.
    ///
    /// # Errors
    /// A network that is leaving, a range that no firewall takes, a firewall that has no room.
    pub async fn allow_peered<A: Message + Default>(
        &self,
        call: &Call<'_>,
        answer: impl FnOnce(&Network, &[Entry]) -> A,
    ) -> Result<(Network, A), Error> {
        let txn = self.db.begin().await?;
        let mut network = lock_network(&txn, call.tenant, call.id).await?;
        if let Some(answer) = request_ids::replay(&txn, call.key, call.now).await? {
            return Ok((network, answer));
        }
        network.check_stays()?;
        let before = network.clone();
        let listed = listed(&txn, call.id).await?;
        let standing = standing(&txn, call.id).await?;
        let peered: Vec<_> = peerings(&standing)
            .into_iter()
            .flat_map(|(id, cidrs)| cidrs.iter().map(move |cidr| (*cidr, id)))
            .collect();
        let lacking = missing(&listed, peered.iter().map(|(cidr, _)| *cidr));
        let mut added = Vec::with_capacity(lacking.len());
        if !lacking.is_empty() {
            for cidr in &lacking {
                check_entry("network_id", *cidr)?;
            }
            self.check_more(&txn, &network, lacking.len()).await?;
            network.raise_firewall_goal(call.traceparent.clone(), call.now);
            for cidr in lacking {
                let of = peered.iter().find(|(range, _)| *range == cidr);
                let peering = of.map_or("", |(_, id)| id);
                added.push(new_entry(&network, cidr, peering, call.now));
            }
            put(&txn, call.id, &added).await?;
            self.write_list(&txn, &before, &mut network, call).await?;
        }
        let answer = answer(&network, &added);
        self.finish(txn, call, &answer).await?;
        Ok((network, answer))
    }

    /// At most `limit` entries behind `after`, by range, and the network that they belong to.
    ///
    /// # Errors
    /// [`domain::Error::NetworkNotFound`], for another tenant's too.
    pub async fn entries(
        &self,
        tenants: &TenantScope,
        id: NetworkId,
        after: Option<Cidr>,
        limit: u64,
    ) -> Result<(Network, Vec<Entry>), Error> {
        let network = self.get(tenants, id).await?;
        let mut query = Entity::find().filter(Column::NetworkId.eq(id.to_string()));
        if let Some(after) = after {
            let (first, last) = bounds(&after);
            let narrower = Condition::all()
                .add(Column::First.eq(first))
                .add(Column::Last.lt(last));
            query = query.filter(Condition::any().add(Column::First.gt(first)).add(narrower));
        }
        let rows = query
            .order_by_asc(Column::First)
            .order_by_desc(Column::Last)
            .limit(limit)
            .all(self.db.read())
            .await?;
        let entries = rows
            .into_iter()
            .map(Entry::try_from)
            .collect::<Result<_, _>>()?;
        Ok((network, entries))
    }

    /// What the network's firewall is to admit. Each change of it raises the network's version, so who has read the
    /// network before and finds it as it was afterwards has seen what that network's goal asks for, no less and no more.
    pub async fn firewall_wanted(&self, id: NetworkId) -> Result<FirewallWanted, Error> {
        let conn = self.db.read();
        Ok(FirewallWanted {
            cidrs: listed(conn, id).await?,
            ports: open_ports(&standing(conn, id).await?),
        })
    }

    /// How the entries that follow a peering go with it, while `stay` stands on the network. What the firewall has no room
    /// for does not come in their place: nobody is kept from leaving.
    pub(super) async fn unfollow(
        &self,
        txn: &DatabaseTransaction,
        network: &Network,
        peering: &str,
        stay: &[Attachment],
    ) -> Result<Follow, Error> {
        let entries = all(txn, network.id).await?;
        let mut follow = follow(&entries, peering, &[], &peerings(stay));
        let (ports, limit) = (
            open_ports(stay).len(),
            self.limits.firewall(network.provider),
        );
        let has = entries.len();
        let has_room = |new: usize| {
            let wants = has - follow.gone.len() + new;
            check_room(network, (has, ports), (wants, ports), limit).is_ok()
        };
        let fit = (0..=follow.new.len()).rev().find(|new| has_room(*new));
        follow.new.truncate(fit.unwrap_or(0));
        Ok(follow)
    }

    /// Writes what became of entries that follow a peering, with an event of its own; nothing if that is nothing.
    pub(super) async fn write_followed(
        &self,
        txn: &DatabaseTransaction,
        network: &mut Network,
        follow: &Follow,
        origin: &Origin,
        now: i64,
    ) -> Result<(), Error> {
        if follow.is_empty() {
            return Ok(());
        }
        let before = network.clone();
        network.raise_firewall_goal(None, now);
        for cidr in &follow.gone {
            Entity::delete_by_id(key(network.id, *cidr))
                .exec(txn)
                .await?;
        }
        let new = follow.new.iter();
        let new: Vec<Entry> = new
            .map(|(cidr, peering)| new_entry(network, *cidr, peering, now))
            .collect();
        put(txn, network.id, &new).await?;
        let happening = Some(Happening::AllowListChanged);
        self.write(txn, &before, network, happening, origin, now)
            .await?;
        hasten(txn, network, now).await
    }

    /// Writes a network whose allow list has changed, with its event, and has it worked on.
    async fn write_list(
        &self,
        txn: &DatabaseTransaction,
        before: &Network,
        after: &mut Network,
        call: &Call<'_>,
    ) -> Result<(), Error> {
        let happening = Some(Happening::AllowListChanged);
        self.write(txn, before, after, happening, call.origin, call.now)
            .await?;
        hasten(txn, after, call.now).await
    }

    /// Checks that the firewall has room for so many more ranges.
    async fn check_more(
        &self,
        txn: &DatabaseTransaction,
        network: &Network,
        more: usize,
    ) -> Result<(), Error> {
        let ranges = listed(txn, network.id).await?.len();
        let ports = open_ports(&standing(txn, network.id).await?).len();
        let limit = self.limits.firewall(network.provider);
        Ok(check_room(
            network,
            (ranges, ports),
            (ranges + more, ports),
            limit,
        )?)
    }
}

/// The ranges of a network's allow list, ordered.
pub(super) async fn listed(conn: &impl ConnectionTrait, id: NetworkId) -> Result<Vec<Cidr>, Error> {
    let texts: Vec<String> = Entity::find()
        .select_only()
        .column(Column::Cidr)
        .filter(Column::NetworkId.eq(id.to_string()))
        .order_by_asc(Column::First)
        .order_by_desc(Column::Last)
        .into_tuple()
        .all(conn)
        .await?;
    texts
        .iter()
        .map(|text| parsed("allow_list_entry.cidr", text))
        .collect()
}

/// A network's allow list, ordered by range.
pub(super) async fn all(conn: &impl ConnectionTrait, id: NetworkId) -> Result<Vec<Entry>, Error> {
    let rows = Entity::find()
        .filter(Column::NetworkId.eq(id.to_string()))
        .order_by_asc(Column::First)
        .order_by_desc(Column::Last)
        .all(conn)
        .await?;
    rows.into_iter().map(Entry::try_from).collect()
}

/// An entry that follows `peering`; empty: one that follows none.
fn new_entry(network: &Network, cidr: Cidr, peering: &str, now: i64) -> Entry {
    let description = match peering {
        "" => String::new(),
        id => format!("of peering {id}"),
    };
    Entry {
        cidr,
        description,
        peering: peering.to_owned(),
        goal: network.firewall.goal,
        create_time: now,
    }
}

async fn put(txn: &DatabaseTransaction, id: NetworkId, entries: &[Entry]) -> Result<(), Error> {
    for entries in entries.chunks(ROWS) {
        let rows = entries.iter().map(|entry| {
            let (network_id, first, last) = key(id, entry.cidr);
            ActiveModel {
                network_id: Set(network_id),
                first: Set(first),
                last: Set(last),
                cidr: Set(entry.cidr.to_string()),
                description: Set(entry.description.clone()),
                peering_id: Set(entry.peering.clone()),
                goal: Set(entry.goal),
                create_time: Set(entry.create_time),
            }
        });
        let again = OnConflict::columns([Column::NetworkId, Column::First, Column::Last])
            .update_columns([Column::Description, Column::PeeringId])
            .to_owned();
        Entity::insert_many(rows)
            .on_conflict(again)
            .exec_without_returning(txn)
            .await?;
    }
    Ok(())
}

fn key(id: NetworkId, cidr: Cidr) -> (String, i64, i64) {
    let (first, last) = bounds(&cidr);
    (id.to_string(), first, last)
}

impl TryFrom<Model> for Entry {
    type Error = Error;

    fn try_from(row: Model) -> Result<Self, Error> {
        Ok(Self {
            cidr: parsed("allow_list_entry.cidr", &row.cidr)?,
            description: row.description,
            peering: row.peering_id,
            goal: row.goal,
            create_time: row.create_time,
        })
    }
}
