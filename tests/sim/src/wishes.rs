//! Owners, who create, delete and renew, and customers, who accept and reject.

use peering::domain::{Network, Peering, Policy, State, Wish, WishedPeer, admissible};
use queue::Lane;
use types::{Labels, ProviderKind};

use crate::world::{World, group_of};

impl World {
    /// Somebody wants something.
    pub(crate) fn wish(&mut self) -> Result<(), String> {
        if self.now < self.store.away_until {
            return Ok(());
        }
        if !self.is_calm() && self.store.rows.len() < 6 && self.rng.u8(..12) == 0 {
            self.create();
        }
        if !self.cloud.objects.is_empty() && self.rng.u8(..8) == 0 {
            let which = self.rng.usize(..self.cloud.objects.len());
            let accepted = self.rng.u8(..5) > 0;
            self.cloud.answer(which, accepted, self.now);
        }
        if !self.store.rows.is_empty() && self.rng.u8(..40) == 0 {
            let index = self.rng.usize(..self.store.rows.len());
            let before = self.store.rows[index].peering.clone();
            let mut after = before.clone();
            let covered = None;
            match before.state {
                state if state.has_ended() && self.rng.bool() => {
                    after.renew(&network(&before), covered, self.now);
                }
                State::Deleted | State::Deleting => return Ok(()),
                _ => after.delete(covered, self.now),
            }
            self.say(|| {
                format!(
                    "row {index}: {} is asked to be {}",
                    before.state, after.state
                )
            });
            let group = group_of(&before);
            self.store
                .write(index, group, &before, &[after], true, self.now)?;
            let worker = self.rng.usize(..self.workers.len());
            self.nudge(worker, (group, Lane::Work), 0);
        }
        Ok(())
    }

    fn create(&mut self) {
        let number = self.store.rows.len();
        let group = self.rng.usize(..self.groups);
        let mut peering = wished(group, number);
        let id = format!("peer_{:032x}", self.rng_ids.u128(..));
        peering.id = id.parse().expect("an id of 32 digits");
        peering.admit(self.now);
        if self.rng.u8(..4) == 0 {
            self.cloud.intrude(&peering, self.now);
        }
        self.say(|| format!("row {number} is created in group {group}"));
        self.store.insert(group, peering, self.now);
        let worker = self.rng.usize(..self.workers.len());
        self.nudge(worker, (group, Lane::Work), 0);
    }
}

fn wished(group: usize, number: usize) -> Peering {
    let home = Network {
        id: format!("net_{number:032x}")
            .parse()
            .expect("an id of 32 digits"),
        display_name: "main".to_owned(),
        provider: ProviderKind::Aws,
        region: "eu-west-1".parse().expect("a region"),
        cidr: "10.20.0.0/16".parse().expect("a range"),
        state: "ACTIVE".to_owned(),
        is_active: true,
        account_id: format!("90000000000{group}"),
        vpc_id: format!("vpc-{number:05x}90000000000{group}"),
    };
    let wish = Wish {
        tenant: "acme".parse().expect("a tenant"),
        request_id: None,
        network: home.id,
        display_name: format!("peer {number}").parse().expect("a name"),
        labels: Labels::default(),
        peer: WishedPeer::Aws {
            account: "222222222222".parse().expect("an account"),
            region: None,
            vpc: format!("vpc-{number:08x}").parse().expect("a VPC"),
            cidrs: vec!["10.1.0.0/16".parse().expect("a range")],
        },
        allow_overlap: false,
        options: Default::default(),
    };
    admissible(wish, &home, &Policy::Anybody, 0).expect("a wish that can be fulfilled")
}

/// The network of a peering, as it was when the peering was made.
fn network(peering: &Peering) -> Network {
    let vendor = peering.vendor.clone();
    Network {
        id: peering.network,
        display_name: peering.network_display_name.clone(),
        provider: ProviderKind::Aws,
        region: vendor.region,
        cidr: vendor.cidr,
        state: "ACTIVE".to_owned(),
        is_active: true,
        account_id: vendor.account_id,
        vpc_id: vendor.vpc_id,
    }
}
