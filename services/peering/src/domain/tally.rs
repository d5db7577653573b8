//! What all rows of a lane say in one number, and the same number of what the cloud shows: when both agree, no row has
//! to be read. That is what nearly every look at peerings that are up finds.

use sha2::{Digest, Sha256};
use types::Cidr;

use super::glance::Glance;
use super::options::Options;
use super::peering::Peering;
use super::sighting::{CloudState, Sighting};
use super::state::State;

/// So many bits that half a million rows can be added up in 63: two sets that differ look alike once in 10^13 times.
const BITS: u32 = 44;

/// A sum over rows as they were at one moment. Each write raises a row's version, so that rows with the same sums are
/// the same rows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// How many.
    pub rows: i64,
    /// Their versions, added up.
    pub versions: i64,
    /// Their digests, added up.
    pub digests: i64,
}

impl Tally {
    /// The sum of rows that were read; none when one of them has to be compared in full.
    pub fn of(glances: &[Glance]) -> Option<Self> {
        let mut tally = Self::default();
        for glance in glances {
            tally.rows += 1;
            tally.versions += glance.version;
            tally.digests += glance.digest?;
        }
        Some(tally)
    }
}

/// What the cloud shows, added up as the rows are.
#[derive(Debug, Default)]
pub struct Shown {
    sightings: Vec<Sighting>,
    digests: i64,
}

impl Shown {
    /// Takes in one object of the listing.
    pub fn take(&mut self, sighting: Sighting) {
        // What was added twice agrees with no rows.
        self.digests = self.digests.wrapping_add(sighting.digest().unwrap_or(0));
        self.sightings.push(sighting);
    }

    /// Whether the cloud shows just what these rows say.
    pub fn agrees(&self, rows: &Tally) -> bool {
        self.digests == rows.digests
    }

    /// Everything that was shown.
    pub fn into_all(self) -> impl Iterator<Item = Sighting> {
        self.sightings.into_iter()
    }

    /// What was shown beside the rows that it agrees with.
    pub fn into_rest(self) -> impl Iterator<Item = Sighting> {
        let rest = |sighting: &Sighting| sighting.digest().is_none();
        self.sightings.into_iter().filter(rest)
    }
}

impl Peering {
    /// What its row adds while it is up: the digest of the one thing that the cloud shows while nothing is new. None:
    /// only a full comparison tells.
    pub fn digest(&self) -> Option<i64> {
        let work = &self.work;
        let unsettled = work.requested_at.is_some()
            || work.busy_since.is_some()
            || work.inactive_at.is_some()
            || work.missed_at.is_some();
        let id = self.provider_peering_id.as_ref().filter(|_| !unsettled)?;
        let is_up = matches!(self.state, State::Active | State::Degraded);
        let settles = is_up && self.expire_at.is_none() && !work.gone;
        let options = Some(self.options);
        settles.then(|| hash(id, &self.raw_state, options, &work.observed_cidrs))
    }
}

impl Sighting {
    /// What an object adds that carries our tags and is up; others add nothing, and rows do not count on them.
    pub fn digest(&self) -> Option<i64> {
        let counts = self.state == CloudState::Active && self.peering.is_some();
        let id = &self.provider_peering_id;
        counts.then(|| hash(id, &self.raw_state, self.options, &self.peer_cidrs))
    }
}

/// A positive number of [`BITS`] bits that only these values have.
fn hash(id: &str, raw_state: &str, options: Option<Options>, cidrs: &[Cidr]) -> i64 {
    let mut hash = Sha256::new();
    for text in [id, raw_state] {
        hash.update((text.len() as u64).to_le_bytes());
        hash.update(text);
    }
    hash.update(match options {
        Some(options) => [
            1,
            options.resolve_dns.into(),
            options.import_custom_routes.into(),
            options.export_custom_routes.into(),
        ],
        None => [0; 4],
    });
    for cidr in cidrs {
        hash.update(cidr.address().octets());
        hash.update([cidr.prefix_len()]);
    }
    let bytes: [u8; 32] = hash.finalize().into();
    let [a, b, c, d, e, f, g, h, ..] = bytes;
    (u64::from_le_bytes([a, b, c, d, e, f, g, h]) >> (u64::BITS - BITS)) as i64 + 1
}
