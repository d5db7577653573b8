//! Rows on their way into the world: recorded, then admitted once the network has taken them, or withdrawn.

use prost::Message;
use runtime::request_ids::{self, Key};
use runtime::status::is_unique_violation;
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::IntoCondition;
use sea_orm::{ColumnTrait, Condition, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use types::{DisplayName, NetworkId, TenantId};

use super::change::{Cause, expect_a_look, update};
use super::entity::peering::{Column, Entity, Model};
use super::{Error, Store, labels, row};
use crate::domain::{Admission, Peer, Peering, claim_key, name_key};

/// What became of an insertion.
#[derive(Debug)]
pub enum Inserted {
    /// It is recorded.
    Done,
    /// Another row has the pair of VPCs, or the same request is being worked on.
    PairTaken(Box<Peering>),
    /// Another row has the name.
    NameTaken(Box<Peering>),
    /// Whoever was in the way is gone: try again.
    Moved,
}

/// What became of an admission.
#[derive(Debug)]
pub enum Admitted<A> {
    /// It is part of the world.
    Done(Box<Peering>, A),
    /// The row was admitted, withdrawn or removed by another meanwhile.
    Lost,
}

impl Store {
    /// Records a wished peering, unadmitted. `hash` is that of the request, which alone may resume it.
    pub async fn insert(&self, peering: &Peering, hash: &str) -> Result<Inserted, Error> {
        let mut model = row::write(peering)?;
        model.create_hash = Set(hash.to_owned());
        match Entity::insert(model)
            .exec_without_returning(self.db.write())
            .await
        {
            Ok(_) => Ok(Inserted::Done),
            Err(error) if is_unique_violation(&error) => self.in_the_way(peering).await,
            Err(error) => Err(error.into()),
        }
    }

    async fn in_the_way(&self, peering: &Peering) -> Result<Inserted, Error> {
        // The writer's connection: the row in the way may be younger than what a reader shows.
        let holder = |condition: Condition| Entity::find().filter(condition).one(self.db.write());
        let pair = Condition::any()
            .add(Column::ClaimKey.eq(peering.claim_key()))
            .add_option(peering.work.create_request_id.as_ref().map(|request_id| {
                Condition::all()
                    .add(Column::TenantId.eq(peering.tenant.as_str()))
                    .add(Column::CreateRequestId.eq(request_id))
                    .add(Column::Admission.ne(Admission::Admitted.as_str()))
            }));
        if let Some(model) = holder(pair).await? {
            return Ok(Inserted::PairTaken(Box::new(row::read(model)?)));
        }
        let name = Condition::all().add(Column::NameKey.eq(peering.name_key()));
        Ok(match holder(name).await? {
            Some(model) => Inserted::NameTaken(Box::new(row::read(model)?)),
            None => Inserted::Moved,
        })
    }

    /// Whoever has this network and customer's VPC linked, or is about to.
    pub async fn pair_holder(
        &self,
        network: NetworkId,
        peer: &Peer,
    ) -> Result<Option<Peering>, Error> {
        self.holder(Column::ClaimKey.eq(claim_key(network, peer)))
            .await
    }

    /// Whoever of the tenant's peerings has this name, or is about to.
    pub async fn name_holder(
        &self,
        tenant: &TenantId,
        name: &DisplayName,
    ) -> Result<Option<Peering>, Error> {
        self.holder(Column::NameKey.eq(name_key(tenant, name)))
            .await
    }

    async fn holder(&self, key: impl IntoCondition) -> Result<Option<Peering>, Error> {
        let model = Entity::find().filter(key).one(self.db.read()).await?;
        model.map(row::read).transpose()
    }

    /// The unadmitted row that an earlier call with this request id left, with the hash of that call's request.
    pub async fn unfinished(
        &self,
        tenant: &str,
        request_id: &str,
    ) -> Result<Option<(Peering, String)>, Error> {
        let model = Entity::find()
            .filter(Column::TenantId.eq(tenant))
            .filter(Column::CreateRequestId.eq(request_id))
            .filter(Column::Admission.ne(Admission::Admitted.as_str()))
            .one(self.db.write())
            .await?;
        model.map(split).transpose()
    }

    /// Makes an unadmitted row part of the world, with its first event, its group, and the answer for its request id.
    pub async fn admit<A: Message>(
        &self,
        before: &Peering,
        cause: &Cause,
        key: &Key,
        answer: impl FnOnce(&Peering) -> A,
        now: i64,
    ) -> Result<Admitted<A>, Error> {
        let mut after = before.clone();
        after.admit(now);
        after.version += 1;
        let txn = self.db.begin().await?;
        // The group first: the row names it.
        queue::ensure_group(&txn, &after.group(), now).await?;
        if !update(&txn, before, &after).await? {
            txn.rollback().await?;
            return Ok(Admitted::Lost);
        }
        labels::put(&txn, &after).await?;
        self.tell(&txn, None, &after, cause, now).await?;
        expect_a_look(&txn, &after, now).await?;
        let answer = answer(&after);
        match request_ids::store(&txn, key, &answer, now).await {
            Ok(()) => {}
            Err(request_ids::Error::Raced) => {
                txn.rollback().await?;
                return Ok(Admitted::Lost);
            }
            Err(error) => {
                txn.rollback().await?;
                return Err(error.into());
            }
        }
        txn.commit().await?;
        self.written.notify_one();
        Ok(Admitted::Done(Box::new(after), answer))
    }

    /// Marks an unadmitted row as given up, so that a late admission fails; false when it was admitted or is gone.
    pub async fn withdraw(&self, peering: &Peering) -> Result<bool, Error> {
        let marked = Entity::update_many()
            .col_expr(Column::Admission, Admission::Withdrawn.as_str().into())
            .col_expr(Column::Version, (peering.version + 1).into())
            .filter(Column::Id.eq(peering.id.to_string()))
            .filter(Column::Version.eq(peering.version))
            .filter(Column::Admission.eq(Admission::Unadmitted.as_str()))
            .exec(self.db.write())
            .await?;
        Ok(marked.rows_affected == 1)
    }

    /// Removes a row that stands at `admission`, which must not be admitted.
    pub async fn remove(&self, peering: &Peering, admission: Admission) -> Result<bool, Error> {
        debug_assert!(admission != Admission::Admitted);
        let removed = Entity::delete_many()
            .filter(Column::Id.eq(peering.id.to_string()))
            .filter(Column::Admission.eq(admission.as_str()))
            .exec(self.db.write())
            .await?;
        Ok(removed.rows_affected == 1)
    }

    /// Rows that were withdrawn, and unadmitted ones from before `created_before`; oldest first.
    pub async fn stranded(&self, created_before: i64, limit: u64) -> Result<Vec<Peering>, Error> {
        let unadmitted = Condition::all()
            .add(Column::Admission.eq(Admission::Unadmitted.as_str()))
            .add(Column::CreateAt.lte(created_before));
        let given_up = Column::Admission.eq(Admission::Withdrawn.as_str());
        let models = Entity::find()
            .filter(Column::Admission.ne(Admission::Admitted.as_str()))
            .filter(Condition::any().add(unadmitted).add(given_up))
            .order_by_asc(Column::CreateAt)
            .limit(limit)
            .all(self.db.read())
            .await?;
        Ok(super::read::readable(models))
    }
}

fn split(model: Model) -> Result<(Peering, String), Error> {
    let hash = model.create_hash.clone();
    Ok((row::read(model)?, hash))
}
