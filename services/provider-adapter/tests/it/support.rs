//! A running adapter with its simulated cloud, and the customer's own client.

use std::time::Duration;

use api::cloud::CloudError;
use api::provider::v1::provider_service_client::ProviderServiceClient;
use api::provider::v1::{
    EnsurePeeringRequest, EnsureVpcRequest, EnsureVpcResponse, Group, ObservePeeringsRequest,
    ObserveVpcsRequest, Peer, PeeringObservation, PeeringRef, Provider, Vpc, VpcRef,
    observe_vpcs_response as vpcs,
};
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use cloudsim::{Cloudsim, Options};
use provider_adapter::{App, Config};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tonic::Status;
use tonic::transport::Channel;
use types::{NetworkId, PeeringId};

pub(crate) const VENDOR: &str = "111122223333";
pub(crate) const CUSTOMER: &str = "444455556666";
pub(crate) const REGION: &str = "eu-west-1";
/// The secret key of everybody.
pub(crate) const SECRET: &str = "canary/0123456789abcdef";
pub(crate) const DEPLOYMENT: &str = "test";
/// When every request was recorded.
pub(crate) const REQUEST_AT: i64 = 1_700_000_000_000;

pub(crate) type Client = ProviderServiceClient<Channel>;

/// The adapter; it ends when this is dropped.
pub(crate) struct Adapter {
    pub(crate) client: Client,
    pub(crate) url: String,
    _stop: oneshot::Sender<()>,
    _running: JoinHandle<()>,
}

impl Adapter {
    /// With one vendor account at `endpoint`; `more` is laid into the account's settings.
    pub(crate) async fn start(endpoint: &str, more: &str, settings: &[(&str, &str)]) -> Self {
        Self::start_as(VENDOR, endpoint, more, settings).await
    }

    /// As [`Adapter::start`], with the credentials of `account`.
    pub(crate) async fn start_as(
        account: &str,
        endpoint: &str,
        more: &str,
        settings: &[(&str, &str)],
    ) -> Self {
        let accounts = [(VENDOR, endpoint, more)];
        Self::start_over(account, &accounts, settings).await
    }

    /// As [`Adapter::start_as`], with these vendor accounts: id, endpoint and what is laid into their settings.
    pub(crate) async fn start_over(
        account: &str,
        accounts: &[(&str, &str, &str)],
        settings: &[(&str, &str)],
    ) -> Self {
        let accounts: Vec<String> = accounts
            .iter()
            .map(|(id, endpoint, more)| {
                format!(
                    r#"{{account_id="{id}", regions=["{REGION}"], endpoint_url="{endpoint}" {more}}}"#
                )
            })
            .collect();
        let mut env = vec![
            (
                "PEERWAY_PROVIDER_ADAPTER__SERVER__LISTEN".to_owned(),
                "127.0.0.1:0".to_owned(),
            ),
            (
                "PEERWAY_PROVIDER_ADAPTER__AWS__ACCOUNTS".to_owned(),
                format!("[{}]", accounts.join(",")),
            ),
        ];
        // Tests write faster than a cloud would let them, unless that is what they are about.
        for rate in ["AWS__WRITES__BURST", "GCP__WRITES__PER_MINUTE"] {
            let name = format!("PEERWAY_PROVIDER_ADAPTER__{rate}");
            env.push((name, "100000".to_owned()));
        }
        env.extend(settings.iter().map(|(key, value)| {
            (
                format!("PEERWAY_PROVIDER_ADAPTER__{key}"),
                (*value).to_owned(),
            )
        }));
        let config = Config::load(None, env).unwrap();
        let app = App::build_with(config, Some(credentials(account)))
            .await
            .unwrap();
        let url = format!("http://{}", app.local_addr());
        let (stop, stopped) = oneshot::channel::<()>();
        let running = tokio::spawn(async move {
            app.run(async { stopped.await.unwrap_or_default() })
                .await
                .unwrap();
        });
        let client = Client::connect(url.clone()).await.unwrap();
        Self {
            client,
            url,
            _stop: stop,
            _running: running,
        }
    }
}

/// An adapter with a cloud that is there for it alone.
pub(crate) struct Suite {
    pub(crate) cloud: Cloudsim,
    pub(crate) adapter: Adapter,
}

impl Suite {
    pub(crate) async fn start() -> Self {
        Self::with(&[]).await
    }

    /// With settings such as `("AWS__CALL_TIMEOUT", "300ms")`.
    pub(crate) async fn with(settings: &[(&str, &str)]) -> Self {
        let cloud = Cloudsim::start(Options::default()).await.unwrap();
        cloud.configure(|config| config.rates.enabled = false);
        let adapter = Adapter::start(&cloud.endpoint(), "", settings).await;
        Self { cloud, adapter }
    }

    pub(crate) fn client(&self) -> Client {
        self.adapter.client.clone()
    }

    /// The customer at EC2, with tools of their own.
    pub(crate) fn customer(&self) -> aws_sdk_ec2::Client {
        ec2(&self.cloud.endpoint(), CUSTOMER)
    }

    /// The vendor at EC2, past the adapter.
    pub(crate) fn vendor(&self) -> aws_sdk_ec2::Client {
        ec2(&self.cloud.endpoint(), VENDOR)
    }

    /// A VPC of the customer's.
    pub(crate) async fn customer_vpc(&self, cidr: &str) -> String {
        vpc(&self.customer(), cidr).await
    }

    /// A bare VPC of the vendor's, not made by the adapter.
    pub(crate) async fn vendor_vpc(&self, cidr: &str) -> String {
        vpc(&self.vendor(), cidr).await
    }

    pub(crate) async fn ensure_vpc(
        &self,
        request: EnsureVpcRequest,
    ) -> Result<EnsureVpcResponse, Status> {
        Ok(self.client().ensure_vpc(request).await?.into_inner())
    }

    /// Makes all parts of a network's VPC.
    pub(crate) async fn complete_vpc(&self, network: NetworkId, cidr: &str) -> Vpc {
        let mut known = Vpc::default();
        let mut part = String::new();
        loop {
            let request = vpc_request(network, cidr, &known, &part);
            let answer = self.ensure_vpc(request).await.unwrap();
            known = answer.vpc.unwrap();
            if answer.next_part.is_empty() {
                return known;
            }
            part = answer.next_part;
        }
    }

    pub(crate) async fn ensure_peering(
        &self,
        request: EnsurePeeringRequest,
    ) -> Result<PeeringObservation, Status> {
        let answer = self.client().ensure_peering(request).await?.into_inner();
        Ok(answer.observation.unwrap())
    }

    /// All pages of a listing that has to be complete.
    pub(crate) async fn observe(&self, ids: &[&str]) -> Vec<PeeringObservation> {
        let (pages, error) = self.observe_pages(ids).await;
        assert!(error.is_none(), "{error:?}");
        let (last, others) = pages.split_last().unwrap();
        assert!(last.1 && others.iter().all(|page| !page.1));
        pages.into_iter().flat_map(|page| page.0).collect()
    }

    /// The pages of a listing with their `complete`, and the error that ended it.
    pub(crate) async fn observe_pages(
        &self,
        ids: &[&str],
    ) -> (Vec<(Vec<PeeringObservation>, bool)>, Option<CloudError>) {
        observe_pages(self.client(), ids).await
    }
}

pub(crate) async fn observe_pages(
    mut client: Client,
    ids: &[&str],
) -> (Vec<(Vec<PeeringObservation>, bool)>, Option<CloudError>) {
    let request = ObservePeeringsRequest {
        group: Some(group()),
        deployment: DEPLOYMENT.into(),
        provider_peering_ids: ids.iter().map(|id| (*id).to_owned()).collect(),
        expected: Vec::new(),
        ..Default::default()
    };
    let mut stream = client.observe_peerings(request).await.unwrap().into_inner();
    let mut pages = Vec::new();
    loop {
        match stream.message().await {
            Ok(Some(page)) => pages.push((page.observations, page.complete)),
            Ok(None) => return (pages, None),
            Err(status) => return (pages, Some(CloudError::from_status(&status))),
        }
    }
}

/// All VPCs of a deployment in a group, in the order of their networks, if the listing is complete; else its error.
pub(crate) async fn observe_vpcs(
    client: &Client,
    group: Group,
    deployment: &str,
    with_wiring: bool,
) -> Result<Vec<vpcs::Observation>, CloudError> {
    let request = ObserveVpcsRequest {
        group: Some(group),
        deployment: deployment.into(),
        with_wiring,
    };
    let refused = |status: Status| CloudError::from_status(&status);
    let answer = client.clone().observe_vpcs(request).await;
    let mut stream = answer.map_err(refused)?.into_inner();
    let (mut seen, mut complete) = (Vec::new(), false);
    while let Some(page) = stream.message().await.map_err(refused)? {
        assert!(!complete, "a page follows the complete one");
        seen.extend(page.observations);
        complete = page.complete;
    }
    assert!(
        complete,
        "the listing ends without error and is not complete"
    );
    seen.sort_by(|a, b| a.network_id.cmp(&b.network_id));
    Ok(seen)
}

pub(crate) fn credentials(account: &str) -> SharedCredentialsProvider {
    let key = format!("AKIA{account}SIM0");
    SharedCredentialsProvider::new(Credentials::new(key, SECRET, None, None, "test"))
}

fn ec2(endpoint: &str, account: &str) -> aws_sdk_ec2::Client {
    let config = aws_sdk_ec2::Config::builder()
        .behavior_version(aws_sdk_ec2::config::BehaviorVersion::latest())
        .region(aws_sdk_ec2::config::Region::new(REGION))
        .endpoint_url(endpoint)
        .credentials_provider(credentials(account))
        .retry_config(aws_sdk_ec2::config::retry::RetryConfig::disabled())
        .build();
    aws_sdk_ec2::Client::from_conf(config)
}

async fn vpc(client: &aws_sdk_ec2::Client, cidr: &str) -> String {
    let made = client.create_vpc().cidr_block(cidr).send().await.unwrap();
    made.vpc.unwrap().vpc_id.unwrap()
}

pub(crate) fn group() -> Group {
    Group {
        provider: Provider::Aws.into(),
        account_id: VENDOR.into(),
        region: REGION.into(),
    }
}

pub(crate) fn vpc_ref(network: NetworkId) -> VpcRef {
    VpcRef {
        group: Some(group()),
        deployment: DEPLOYMENT.into(),
        network_id: network.to_string(),
        region: REGION.into(),
    }
}

pub(crate) fn vpc_request(
    network: NetworkId,
    cidr: &str,
    known: &Vpc,
    part: &str,
) -> EnsureVpcRequest {
    EnsureVpcRequest {
        r#ref: Some(vpc_ref(network)),
        cidr: cidr.into(),
        known: Some(known.clone()),
        create_part: part.into(),
        operation_token: String::new(),
    }
}

pub(crate) fn peering_ref(peering: PeeringId, attempt: i32) -> PeeringRef {
    PeeringRef {
        group: Some(group()),
        deployment: DEPLOYMENT.into(),
        peering_id: peering.to_string(),
        attempt,
    }
}

pub(crate) fn peering_request(
    peering: PeeringId,
    attempt: i32,
    vendor_vpc: &str,
    peer_vpc: &str,
) -> EnsurePeeringRequest {
    EnsurePeeringRequest {
        r#ref: Some(peering_ref(peering, attempt)),
        network_id: NetworkId::generate().to_string(),
        vendor_vpc_id: vendor_vpc.into(),
        peer: Some(Peer {
            account_id: CUSTOMER.into(),
            region: REGION.into(),
            vpc_id: peer_vpc.into(),
        }),
        operation_token: String::new(),
        request_time: Some(api::timestamp(REQUEST_AT)),
        ..Default::default()
    }
}

pub(crate) fn cloud_error(status: Status) -> CloudError {
    CloudError::from_status(&status)
}

/// Short enough for tests of calls that get no answer.
pub(crate) const IMPATIENT: &[(&str, &str)] = &[
    ("AWS__CALL_TIMEOUT", "400ms"),
    ("AWS__CONNECT_TIMEOUT", "400ms"),
];

/// Longer than any call of [`IMPATIENT`] may take.
pub(crate) const PATIENCE: Duration = Duration::from_secs(5);
