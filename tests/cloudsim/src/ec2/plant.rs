//! Many peerings at once, for tests of size.

use ipnet::Ipv4Net;
use serde::{Deserialize, Serialize};

use crate::cloud::Caller;
use crate::config::Config;
use crate::ec2::Context;
use crate::ec2::id::Kind;
use crate::ec2::peering::{Code, Peering, Side, Status};
use crate::ec2::state::{State, Vpc, VpcCidr};
use crate::ec2::vpc::furnish;

/// VPCs to put in place with peerings that they requested, each to a VPC of its own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plant {
    pub requester: Caller,
    pub accepter: Caller,
    /// How many VPCs request.
    pub vpcs: usize,
    /// How many peerings each of them requests.
    pub peerings: usize,
    /// The raw status of the peerings, such as `active`.
    pub status: String,
}

/// A VPC that was put in place, and the peerings it requested.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Planted {
    pub vpc_id: String,
    pub peering_ids: Vec<String>,
}

impl State {
    /// Puts VPCs with peerings in place, past quotas and rates; tags are left to the caller. Ranges begin anew after
    /// 16,384 VPCs of a side, and may then overlap.
    pub fn plant(&mut self, plant: &Plant, config: &Config, now_ms: i64) -> Vec<Planted> {
        let mut planted = Vec::with_capacity(plant.vpcs);
        for n in 0..plant.vpcs {
            let ours = self.plant_vpc(&plant.requester, range([10, 0], n), config, now_ms);
            let peerings = (0..plant.peerings).map(|m| {
                let range = range([100, 64], n * plant.peerings + m);
                let theirs = self.plant_vpc(&plant.accepter, range, config, now_ms);
                self.plant_peering(plant, [&ours, &theirs], config, now_ms)
            });
            let peering_ids = peerings.collect();
            let vpc_id = ours.id;
            planted.push(Planted {
                vpc_id,
                peering_ids,
            });
        }
        planted
    }

    fn plant_vpc(&mut self, owner: &Caller, cidr: Ipv4Net, config: &Config, now_ms: i64) -> Vpc {
        let vpc = Vpc {
            id: self.new_id(Kind::Vpc),
            owner: owner.clone(),
            cidrs: vec![VpcCidr {
                association_id: self.new_id(Kind::CidrAssociation),
                cidr,
            }],
            tenancy: "default".to_owned(),
            dns_support: true,
            dns_hostnames: false,
            created_ms: now_ms,
        };
        self.vpcs.insert(vpc.id.clone(), vpc.clone());
        let mut context = Context {
            state: self,
            config,
            caller: owner,
            now_ms,
        };
        furnish(&mut context, &vpc);
        vpc
    }

    fn plant_peering(
        &mut self,
        plant: &Plant,
        sides: [&Vpc; 2],
        config: &Config,
        now_ms: i64,
    ) -> String {
        let [requester, accepter] = sides.map(|vpc| Side {
            owner: vpc.owner.clone(),
            vpc_id: vpc.id.clone(),
            cidrs: vec![vpc.cidr()],
            allow_dns: false,
        });
        let peering = Peering {
            id: self.new_id(Kind::Peering),
            requester,
            accepter,
            status: Status {
                code: Code::parse(&plant.status),
                message: String::new(),
                since_ms: now_ms,
                ended_by: None,
            },
            created_ms: now_ms,
            expires_ms: now_ms + config.expiry_ms,
            doomed: false,
            held: false,
        };
        let id = peering.id.clone();
        self.peerings.insert(id.clone(), peering);
        id
    }
}

/// The `n`th /24 from `A.B.0.0` on, of the 16,384 of a /10.
fn range([a, b]: [u8; 2], n: usize) -> Ipv4Net {
    let n = n % 16_384;
    let address = [a, b + (n / 256) as u8, (n % 256) as u8, 0];
    Ipv4Net::new_assert(address.into(), 24)
}
