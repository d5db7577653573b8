//! Random lives of address space, against a model that looks at everything each time: every verdict, every suggestion
//! and every count is the model's, and at the end nothing stands that the rules forbid.

mod model;
mod words;

use std::collections::BTreeMap;
use std::sync::Arc;

use ::network::domain::{self, AttachmentKind, Limits, Network, NewNetwork, Quotas, State};
use ::network::store::{Asked, Creation, Deletion, Migrator, Origin, Store};
use api::network::v1::DeleteNetworkResponse;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};
use runtime::db::{self, Db};
use runtime::request_ids::Key;
use sea_orm::{ConnectionTrait, Statement};
use testkit::TestDatabase;
use types::{DisplayName, Labels, NetworkId, ProviderKind, TenantId, TenantScope};

use model::Model;
use words::{QUOTA, Said, Verdict, assert_said, random_block, random_id, rules, said};

const SEQUENCES: u64 = 20;
const STEPS: usize = 60;
const NOW: i64 = 1_000_000;

#[tokio::test(flavor = "multi_thread")]
async fn address_space_is_what_the_model_says_on_sqlite() {
    live(testkit::sqlite()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn address_space_is_what_the_model_says_on_postgres() {
    live(testkit::postgres().await).await;
}

async fn live(database: TestDatabase) {
    let first: u64 = match std::env::var("PEERWAY_TEST_SEED") {
        Ok(seed) => seed.parse().unwrap(),
        Err(_) => rand::random_range(0..1_000_000),
    };
    println!("PEERWAY_TEST_SEED={first}");
    let db = database.connect().await;
    db::migrate::<Migrator>(&db).await.unwrap();
    let limits = Limits {
        quotas: Quotas {
            networks: QUOTA,
            peerings_per_network: [(ProviderKind::Aws, 1_000)].into(),
            datastores_per_network: 1_000,
            tenants: BTreeMap::new(),
        },
        firewall: [(ProviderKind::Aws, 1_000_000)].into(),
    };
    let store = Store::new(db.clone(), |_| Vec::new(), limits, Arc::default());
    for number in 0..SEQUENCES {
        let tenant: TenantId = format!("t{number}").parse().unwrap();
        let mut life = Life {
            random: StdRng::seed_from_u64(first + number),
            model: Model::default(),
            names: 0,
            verdicts: BTreeMap::new(),
            tenant,
            store: store.clone(),
            db: db.clone(),
        };
        for _ in 0..STEPS {
            life.step().await;
        }
        life.compare().await;
        println!("{} was told {:?}", life.tenant, life.verdicts);
    }
}

/// One tenant's life.
struct Life {
    random: StdRng,
    model: Model,
    names: u32,
    /// How often each answer was expected.
    verdicts: BTreeMap<String, u32>,
    tenant: TenantId,
    store: Store,
    db: Db,
}

impl Life {
    async fn step(&mut self) {
        match self.random.random_range(0..100) {
            0..25 => {
                let cidr = random_block(&mut self.random, 22..=29);
                self.create(Asked::Exactly(cidr)).await;
            }
            25..40 => {
                let size = self.random.random_range(24..=27);
                self.create(Asked::FreeBlock(size)).await;
            }
            40..65 => self.attach().await,
            65..75 => self.detach().await,
            75..85 => self.delete().await,
            85..93 => self.check().await,
            _ => self.take_a_suggestion().await,
        }
    }

    /// A create, as the API does it: the rules first.
    async fn create(&mut self, asked: Asked) {
        let group = *["", "eu", "eu", "us"].choose(&mut self.random).unwrap();
        let expected = self.model.create(asked, group);
        self.count(expected.as_ref().map(|_| "created"));
        let (rules, origin) = (rules(), Origin::default());
        if let Asked::Exactly(cidr) = asked {
            let found = rules.findings(cidr);
            let forbidden = found
                .iter()
                .any(|one| one.severity == domain::Severity::Error);
            assert_eq!(
                forbidden,
                expected == Err(Verdict::Rules),
                "{cidr}: {found:?}"
            );
            if forbidden {
                return;
            }
        }
        self.names += 1;
        let name: DisplayName = format!("n{}", self.names).parse().unwrap();
        let tenant = self.tenant.clone();
        let network = |cidr| {
            let wish = NewNetwork {
                tenant,
                display_name: name,
                provider: ProviderKind::Aws,
                region: "eu-west-1".parse().unwrap(),
                cidr,
                labels: Labels::new(BTreeMap::new()).unwrap(),
                multi_region_group: group.to_owned(),
            };
            Network::new(wish, None, NOW)
        };
        let wish = Creation {
            tenant: &self.tenant,
            asked,
            multi_region_group: group,
            rules: &rules,
            origin: &origin,
            key: &self.key("CreateNetwork"),
        };
        let mut warned = Said::new();
        let created = self.store.create(&wish, NOW, network, |_, warnings| {
            warned = said(warnings);
            DeleteNetworkResponse::default()
        });
        match (created.await, expected) {
            (Ok((Some(network), _)), Ok((cidr, warnings))) => {
                assert_eq!(network.cidr, cidr, "{asked:?} {group}");
                assert_said(&warned, &warnings);
                self.model.created(network.id, cidr, group);
                if self.random.random_bool(0.8) {
                    let active = Network {
                        state: State::Active,
                        ..network.clone()
                    };
                    self.store
                        .save(&network, active, &origin, NOW)
                        .await
                        .unwrap();
                    self.model.activated(network.id);
                }
            }
            (Err(::network::store::Error::Refused(refused)), Err(verdict)) => {
                assert_eq!(Verdict::of(&refused), verdict, "{asked:?} {group}");
            }
            (created, expected) => panic!("{asked:?} {group}: {created:?} instead of {expected:?}"),
        }
    }

    async fn attach(&mut self) {
        let Some(network) = self.any_network() else {
            return;
        };
        let wanted = self.model.random_attachment(&mut self.random, network);
        let expected = self.model.attach(&wanted);
        self.count(expected.as_ref().map(|()| "attached"));
        let origin = Origin::default();
        let attached = self
            .store
            .attach(&self.tenant, wanted.clone(), &origin, NOW);
        match attached.await {
            Ok((network, _)) => {
                assert_eq!(expected, Ok(()), "{wanted:?}");
                let counts = (network.peering_count, network.datastore_count);
                assert_eq!(counts, self.model.counts(network.id));
            }
            Err(::network::store::Error::Refused(refused)) => {
                assert_eq!(
                    Err(Verdict::of(&refused)),
                    expected,
                    "{wanted:?}: {refused}"
                );
            }
            Err(error) => panic!("{wanted:?}: {error}"),
        }
    }

    async fn detach(&mut self) {
        let Some(network) = self.any_network() else {
            return;
        };
        let kind = *[AttachmentKind::Peering, AttachmentKind::Datastore]
            .choose(&mut self.random)
            .unwrap();
        let id = random_id(&mut self.random);
        let (store, tenant, origin) = (&self.store, &self.tenant, Origin::default());
        store
            .detach(tenant, network, kind, &id, &origin, NOW)
            .await
            .unwrap();
        self.model.detach(network, kind, &id);
    }

    /// A delete, and the end of its work in the cloud at once.
    async fn delete(&mut self) {
        let Some(id) = self.any_network() else {
            return;
        };
        let origin = Origin::default();
        let wish = Deletion {
            tenant: &self.tenant,
            id,
            etag: "",
            cascade_peerings: false,
            traceparent: None,
            origin: &origin,
            key: &self.key("DeleteNetwork"),
        };
        let deleted = self
            .store
            .delete(&wish, NOW, |_| DeleteNetworkResponse::default());
        match deleted.await {
            Ok((network, _)) => {
                assert!(self.model.delete(id));
                let gone = Network {
                    state: State::Deleted,
                    ..network.clone()
                };
                self.store.save(&network, gone, &origin, NOW).await.unwrap();
            }
            Err(error) => assert!(!self.model.delete(id), "{error}"),
        }
    }

    async fn check(&mut self) {
        let cidr = random_block(&mut self.random, 21..=29);
        let group = *["", "eu", "us"].choose(&mut self.random).unwrap();
        let claims = self
            .store
            .claims_in_the_way(&self.tenant, cidr, group)
            .await
            .unwrap();
        let found = domain::overlaps(cidr, group, &claims);
        assert_said(&said(&found), &self.model.overlaps(cidr, group));
    }

    /// What is suggested is what the model finds free, and can be had.
    async fn take_a_suggestion(&mut self) {
        let near = random_block(&mut self.random, 21..=29);
        let near = self.random.random_bool(0.7).then_some(near);
        let size = self.random.random_range(24..=27);
        let found = self
            .store
            .free_blocks(&self.tenant, &rules(), size, near, 5)
            .await
            .unwrap();
        let expected = self.model.free(size, near.or_else(|| self.model.newest()));
        assert_eq!(
            found,
            expected[..expected.len().min(5)],
            "/{size} near {near:?}"
        );
        if let Some(block) = found.choose(&mut self.random).copied() {
            self.create(Asked::Exactly(block)).await;
        }
    }

    fn count(&mut self, expected: Result<&str, &Verdict>) {
        let name = expected.map_or_else(|verdict| format!("{verdict:?}"), str::to_owned);
        *self.verdicts.entry(name).or_default() += 1;
    }

    fn any_network(&mut self) -> Option<NetworkId> {
        self.model.any_network(&mut self.random)
    }

    fn key(&self, method: &'static str) -> Key {
        Key::new(&self.tenant, method, "", &DeleteNetworkResponse::default()).unwrap()
    }

    /// What the database holds is what the model holds, and nothing of it is forbidden.
    async fn compare(&self) {
        self.model.assert_allowed();
        let scope = TenantScope::One(self.tenant.clone());
        for (id, expected) in self.model.attachments() {
            let network = self.store.get(&scope, id).await.unwrap();
            assert_eq!(
                (network.peering_count, network.datastore_count),
                self.model.counts(id)
            );
            let found = self
                .store
                .attachments(&scope, id, None, 1_000)
                .await
                .unwrap();
            assert_eq!(found, expected);
        }
        let claims = "SELECT first, last FROM claim WHERE tenant_id = $1 ORDER BY first, last";
        let found: Vec<(i64, i64)> = self
            .ask(claims, |row| {
                (
                    row.try_get_by_index(0).unwrap(),
                    row.try_get_by_index(1).unwrap(),
                )
            })
            .await;
        assert_eq!(found, self.model.claimed());
        let counted = "SELECT networks FROM tenant WHERE id = $1";
        let counted: Vec<i64> = self
            .ask(counted, |row| row.try_get_by_index(0).unwrap())
            .await;
        assert_eq!(counted, [self.model.live()]);
        // What is told is what counts.
        let told = self.store.tenant_limits(&self.tenant, 1_000).await.unwrap();
        assert_eq!(
            (i64::from(told.networks.0), told.networks.1),
            (self.model.live(), QUOTA)
        );
    }

    async fn ask<T>(&self, sql: &str, read: impl Fn(sea_orm::QueryResult) -> T) -> Vec<T> {
        let conn = self.db.read();
        let values = [self.tenant.as_str().into()];
        let ask = Statement::from_sql_and_values(conn.get_database_backend(), sql, values);
        conn.query_all_raw(ask)
            .await
            .unwrap()
            .into_iter()
            .map(read)
            .collect()
    }
}
