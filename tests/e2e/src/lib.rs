//! The suite as its users have it: real programs on loopback, beside a cloud, with clients for both.

pub mod cloud;
pub mod commands;
pub mod customer;
mod firewall;
pub mod gcp;
pub mod google;
mod left;
mod networks;
mod owner;
mod peerings;
pub mod python;
mod suite;
mod wait;
mod watch;

use serde_json::{Value, json};
use tonic::Status;
use tonic_types::StatusExt;

pub use customer::CUSTOMER;
pub use firewall::Admitted;
pub use gcp::{CUSTOMER_PROJECT, FAR_PROJECT, VENDOR_PROJECT};
pub use networks::network_wish;
pub use owner::condition;
pub use peerings::wish;
pub use suite::{Options, Suite};
pub use watch::{Told, Watch};

/// The vendor's account: moto's own, since moto gives callers no other without a role.
pub const VENDOR: &str = "123456789012";

/// Whose the networks and peerings of the tests are.
pub const TENANT: &str = "acme";

/// A filter as EC2 takes it.
pub fn filter(name: &str, value: &str) -> Value {
    json!({"Name": name, "Values": [value]})
}

/// The reason that an error carries; empty when it carries none of ours.
pub fn reason(status: &Status) -> String {
    let details = status.get_error_details();
    let ours = details
        .error_info()
        .filter(|info| info.domain == api::cloud::ERROR_DOMAIN);
    ours.map(|info| info.reason.clone()).unwrap_or_default()
}

/// The fields that an error complains of.
pub fn fields(status: &Status) -> Vec<String> {
    let details = status.get_error_details();
    let violations = details
        .bad_request()
        .map(|bad| bad.field_violations.as_slice())
        .unwrap_or_default();
    violations
        .iter()
        .map(|violation| violation.field.clone())
        .collect()
}
