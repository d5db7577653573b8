//! A tenant's address space: what is in the way of a range, and which blocks are free, by index.
//!
//! Blocks nest. So what overlaps a range either begins inside it, which is one stretch of the index, or holds all of it
//! and begins at one of the at most 32 addresses at which a larger block around it can begin.

use std::net::Ipv4Addr;
use std::ops::Range;

use sea_orm::{ConnectionTrait, QueryResult, Statement, Value};
use types::{Cidr, TenantId};

use super::claims::bounds;
use super::{Error, Store};
use crate::domain::{CidrRules, Claim, Found, Search, Way};

/// How many claims in the way are looked at: more findings of one severity are not told.
const MOST_IN_THE_WAY: i64 = 20;

/// How many claims a search for free blocks reads at first, and at most, at once.
const FIRST_PIECE: i64 = 64;
const MOST_AT_ONCE: i64 = 4_096;
/// How many it reads for mere suggestions.
const MOST_FOR_SUGGESTIONS: i64 = 256;

impl Store {
    /// What the tenant claims in the way of `asked`: of the multi-region group, and the first of all others.
    pub async fn claims_in_the_way(
        &self,
        tenant: &TenantId,
        asked: Cidr,
        group: &str,
    ) -> Result<Vec<Claim>, Error> {
        let mut claims = of_group(self.db.read(), tenant, asked, group).await?;
        for claim in in_the_way(self.db.read(), tenant, asked).await? {
            if !claims.contains(&claim) {
                claims.push(claim);
            }
        }
        Ok(claims)
    }

    /// At most `how_many` blocks that the rules allow and the tenant does not claim, the nearest to `near` first. Where
    /// hundreds of claims lie around it, and without it, the nearest to the tenant's newest network.
    pub async fn free_blocks(
        &self,
        tenant: &TenantId,
        rules: &CidrRules,
        prefix_len: u8,
        near: Option<Cidr>,
        how_many: usize,
    ) -> Result<Vec<Cidr>, Error> {
        let conn = self.db.read();
        let most = Some(MOST_FOR_SUGGESTIONS);
        if near.is_some() {
            let found = free_blocks(conn, tenant, rules, prefix_len, near, how_many, most).await?;
            if !found.is_empty() {
                return Ok(found);
            }
        }
        let near = newest(conn, tenant).await?;
        free_blocks(conn, tenant, rules, prefix_len, near, how_many, most).await
    }
}

/// The claims of networks of a multi-region group that overlap `asked`; none of the empty group.
pub(super) async fn of_group(
    conn: &impl ConnectionTrait,
    tenant: &TenantId,
    asked: Cidr,
    group: &str,
) -> Result<Vec<Claim>, Error> {
    if group.is_empty() {
        return Ok(Vec::new());
    }
    // The second condition is what lets the planner take the partial index.
    let of = "tenant_id = $1 AND multi_region_group = $37 AND multi_region_group <> ''";
    overlapping(conn, tenant, asked, of, Some(group.into())).await
}

/// The first claims of a tenant that overlap `asked`.
pub(super) async fn in_the_way(
    conn: &impl ConnectionTrait,
    tenant: &TenantId,
    asked: Cidr,
) -> Result<Vec<Claim>, Error> {
    overlapping(conn, tenant, asked, "tenant_id = $1", None).await
}

async fn overlapping(
    conn: &impl ConnectionTrait,
    tenant: &TenantId,
    asked: Cidr,
    of: &str,
    group: Option<Value>,
) -> Result<Vec<Claim>, Error> {
    let (first, last) = bounds(&asked);
    let around = at_each(
        5..37,
        &format!("SELECT * FROM claim WHERE {of} AND last >= $3"),
    );
    let sql = format!(
        "SELECT claim.first, claim.last, claim.kind, claim.id, claim.network_id, claim.multi_region_group, \
         network.display_name FROM (\
         SELECT * FROM ({around} LIMIT $4) AS around \
         UNION ALL \
         SELECT * FROM (SELECT * FROM claim WHERE {of} AND first BETWEEN $2 AND $3 ORDER BY first, last LIMIT $4) \
         AS inside) AS claim JOIN network ON network.id = claim.network_id"
    );
    let mut values: Vec<Value> = vec![
        tenant.as_str().into(),
        first.into(),
        last.into(),
        MOST_IN_THE_WAY.into(),
    ];
    // One text of the statement for all ranges: a place that is not needed matches nothing.
    let around = begins_around(asked.address())
        .filter(|begin| *begin < first)
        .chain(std::iter::repeat(-1));
    values.extend(around.take(32).map(Value::from));
    values.extend(group);
    let ask = Statement::from_sql_and_values(conn.get_database_backend(), sql, values);
    let rows = conn.query_all_raw(ask).await?;
    rows.iter().map(claim).collect()
}

/// The same question for each of some beginnings, one by one. Told of a list of them, the planner takes a tenant for an
/// average one and reads all its claims, which is half the table for the largest.
fn at_each(numbers: Range<u8>, question: &str) -> String {
    let questions: Vec<String> = numbers
        .map(|number| format!("{question} AND first = ${number}"))
        .collect();
    questions.join(" UNION ALL ")
}

/// Where the blocks begin that hold an address, each once, the largest block's first.
fn begins_around(address: Ipv4Addr) -> impl Iterator<Item = i64> {
    let mut begins: Vec<i64> = (0..=32)
        .map(|prefix_len| bounds(&Cidr::around(address, prefix_len)).0)
        .collect();
    begins.dedup();
    begins.into_iter()
}

fn claim(row: &QueryResult) -> Result<Claim, Error> {
    let (kind, id): (String, String) = (row.try_get("", "kind")?, row.try_get("", "id")?);
    let network: String = row.try_get("", "network_id")?;
    Ok(Claim {
        cidr: block(row.try_get("", "first")?, row.try_get("", "last")?)?,
        network: network
            .parse()
            .map_err(|_| Error::Corrupt("claim.network_id"))?,
        network_name: row.try_get("", "display_name")?,
        multi_region_group: row.try_get("", "multi_region_group")?,
        peering: (kind == "PEERING").then_some(id),
    })
}

/// The block from `first` to `last`.
fn block(first: i64, last: i64) -> Result<Cidr, Error> {
    let read = || {
        let address = Ipv4Addr::from(u32::try_from(first).ok()?);
        let size = u64::try_from(last - first + 1).ok()?;
        let bits = u8::try_from(size.checked_ilog2()?).ok()?;
        let block = Cidr::around(address, 32_u8.checked_sub(bits)?);
        (bounds(&block) == (first, last)).then_some(block)
    };
    read().ok_or(Error::Corrupt("claim.first"))
}

/// The range of the tenant's newest live network.
pub(super) async fn newest(
    conn: &impl ConnectionTrait,
    tenant: &TenantId,
) -> Result<Option<Cidr>, Error> {
    let sql = "SELECT cidr FROM network WHERE tenant_id = $1 AND name_key IS NOT NULL ORDER BY id DESC LIMIT 1";
    let values: [Value; 1] = [tenant.as_str().into()];
    let ask = Statement::from_sql_and_values(conn.get_database_backend(), sql, values);
    let Some(row) = conn.query_one_raw(ask).await? else {
        return Ok(None);
    };
    let cidr: String = row.try_get_by_index(0)?;
    let cidr = cidr.parse().map_err(|_| Error::Corrupt("network.cidr"))?;
    Ok(Some(cidr))
}

/// See [`Store::free_blocks`]. Reads claims piece by piece, no more than the search needs and no more than `most`.
pub(super) async fn free_blocks(
    conn: &impl ConnectionTrait,
    tenant: &TenantId,
    rules: &CidrRules,
    prefix_len: u8,
    near: Option<Cidr>,
    how_many: usize,
    most: Option<i64>,
) -> Result<Vec<Cidr>, Error> {
    let mut read = 0;
    let mut search = Search::new(rules, prefix_len, near);
    let (mut blocks, mut piece) = (Vec::new(), FIRST_PIECE);
    while blocks.len() < how_many {
        match search.advance() {
            Found::Free(block) => blocks.push(block),
            Found::Nothing => break,
            Found::Claims(..) if most.is_some_and(|most| read >= most) => break,
            Found::Claims(way, from) => {
                read += piece;
                let around = largest_around(conn, tenant, from).await?;
                let ahead = ahead(conn, tenant, way, from, piece).await?;
                let complete = i64::try_from(ahead.len()).is_ok_and(|read| read < piece);
                search.tell(way, around.into_iter().chain(ahead), complete);
                piece = (piece * 4).min(MOST_AT_ONCE);
            }
        }
    }
    Ok(blocks)
}

/// The largest claim that holds an address.
async fn largest_around(
    conn: &impl ConnectionTrait,
    tenant: &TenantId,
    address: Ipv4Addr,
) -> Result<Option<Cidr>, Error> {
    let question = "SELECT first, last FROM claim WHERE tenant_id = $1 AND last >= $2";
    let sql = format!(
        "SELECT first, last FROM ({}) AS around ORDER BY last DESC, first LIMIT 1",
        at_each(3..36, question)
    );
    let mut values: Vec<Value> = vec![tenant.as_str().into(), i64::from(u32::from(address)).into()];
    let around = begins_around(address).chain(std::iter::repeat(-1));
    values.extend(around.take(33).map(Value::from));
    let ask = Statement::from_sql_and_values(conn.get_database_backend(), sql, values);
    let row = conn.query_one_raw(ask).await?;
    row.map(|row| block(row.try_get_by_index(0)?, row.try_get_by_index(1)?))
        .transpose()
}

/// At most `piece` claims from an address on: up those that begin there or behind, down those that end there or before.
async fn ahead(
    conn: &impl ConnectionTrait,
    tenant: &TenantId,
    way: Way,
    from: Ipv4Addr,
    piece: i64,
) -> Result<Vec<Cidr>, Error> {
    let stretch = match way {
        Way::Up => "first >= $2 ORDER BY first, last",
        Way::Down => "last <= $2 ORDER BY last DESC, first DESC",
    };
    let sql = format!("SELECT first, last FROM claim WHERE tenant_id = $1 AND {stretch} LIMIT $3");
    let values: [Value; 3] = [
        tenant.as_str().into(),
        i64::from(u32::from(from)).into(),
        piece.into(),
    ];
    let ask = Statement::from_sql_and_values(conn.get_database_backend(), sql, values);
    let rows = conn.query_all_raw(ask).await?;
    rows.iter()
        .map(|row| block(row.try_get_by_index(0)?, row.try_get_by_index(1)?))
        .collect()
}
