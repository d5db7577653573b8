//! What the bodies of requests may hold, by the discovery document, and reading them.

use ipnet::Ipv4Net;
use serde_json::{Map, Value};

use crate::gce::Error;

/// What a field holds.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Shape {
    Text,
    /// A 64-bit or 32-bit whole number; in JSON it may be a text.
    Int,
    Float,
    Bool,
    OneOf(&'static [&'static str]),
    List(&'static Shape),
    Object(&'static [(&'static str, Shape)]),
    /// An object with any fields.
    Open,
}

use Shape::{Bool, Float, Int, List, Object, OneOf, Open, Text};

const TEXTS: Shape = List(&Text);

pub(crate) const NETWORK: Shape = Object(&[
    ("IPv4Range", Text),
    ("additionalTags", TEXTS),
    ("autoCreateSubnetworks", Bool),
    ("creationTimestamp", Text),
    ("description", Text),
    ("enableUlaInternalIpv6", Bool),
    ("firewallPolicy", Text),
    ("gatewayIPv4", Text),
    ("id", Int),
    ("internalIpv6Range", Text),
    ("kind", Text),
    ("mtu", Int),
    ("name", Text),
    ("networkFirewallPolicyEnforcementOrder", Text),
    ("networkProfile", Text),
    ("params", Open),
    ("peerings", List(&PEERING)),
    ("routingConfig", ROUTING_CONFIG),
    ("selfLink", Text),
    ("selfLinkWithId", Text),
    ("subnetworks", TEXTS),
]);

const ROUTING_CONFIG: Shape = Object(&[
    ("bgpAlwaysCompareMed", Bool),
    ("bgpBestPathSelectionMode", OneOf(&["LEGACY", "STANDARD"])),
    ("bgpInterRegionCost", OneOf(&["ADD_COST_TO_MED", "DEFAULT"])),
    ("effectiveBgpAlwaysCompareMed", Bool),
    ("effectiveBgpInterRegionCost", Text),
    ("routingMode", OneOf(&["GLOBAL", "REGIONAL"])),
]);

const PEERING: Shape = Object(&[
    ("autoCreateRoutes", Bool),
    ("connectionStatus", Open),
    ("exchangeSubnetRoutes", Bool),
    ("exportCustomRoutes", Bool),
    ("exportSubnetRoutesWithPublicIp", Bool),
    ("importCustomRoutes", Bool),
    ("importSubnetRoutesWithPublicIp", Bool),
    ("name", Text),
    ("network", Text),
    ("peerMtu", Int),
    ("stackType", OneOf(&["IPV4_IPV6", "IPV4_ONLY"])),
    ("state", Text),
    ("stateDetails", Text),
    (
        "updateStrategy",
        OneOf(&["CONSENSUS", "INDEPENDENT", "UNSPECIFIED"]),
    ),
]);

pub(crate) const ADD_PEERING: Shape = Object(&[
    ("autoCreateRoutes", Bool),
    ("name", Text),
    ("networkPeering", PEERING),
    ("peerNetwork", Text),
]);

pub(crate) const REMOVE_PEERING: Shape = Object(&[("name", Text)]);

pub(crate) const UPDATE_PEERING: Shape = Object(&[("networkPeering", PEERING)]);

pub(crate) const SUBNETWORK: Shape = Object(&[
    ("allowSubnetCidrRoutesOverlap", Bool),
    ("creationTimestamp", Text),
    ("description", Text),
    ("enableFlowLogs", Bool),
    ("externalIpv6Prefix", Text),
    ("fingerprint", Text),
    ("gatewayAddress", Text),
    ("id", Int),
    ("internalIpv6Prefix", Text),
    ("ipCidrRange", Text),
    ("ipCollection", Text),
    ("ipv6AccessType", Text),
    ("ipv6CidrRange", Text),
    ("ipv6GceEndpoint", Text),
    ("kind", Text),
    ("logConfig", LOG_CONFIG),
    ("name", Text),
    ("network", Text),
    ("params", Open),
    ("privateIpGoogleAccess", Bool),
    ("privateIpv6GoogleAccess", Text),
    ("purpose", OneOf(&["PRIVATE"])),
    ("region", Text),
    ("reservedInternalRange", Text),
    ("resolveSubnetMask", Text),
    ("role", Text),
    ("secondaryIpRanges", List(&SECONDARY_RANGE)),
    ("selfLink", Text),
    ("stackType", OneOf(&["IPV4_ONLY"])),
    ("state", Text),
    ("systemReservedExternalIpv6Ranges", TEXTS),
    ("systemReservedInternalIpv6Ranges", TEXTS),
    ("utilizationDetails", Open),
]);

const LOG_CONFIG: Shape = Object(&[
    ("aggregationInterval", Text),
    ("enable", Bool),
    ("filterExpr", Text),
    ("flowSampling", Float),
    ("metadata", Text),
    ("metadataFields", TEXTS),
]);

const SECONDARY_RANGE: Shape = Object(&[
    ("ipCidrRange", Text),
    ("ipCollection", Text),
    ("ipVersion", Text),
    ("rangeName", Text),
    ("reservedInternalRange", Text),
]);

pub(crate) const FIREWALL: Shape = Object(&[
    ("allowed", List(&PROTOCOL)),
    ("creationTimestamp", Text),
    ("denied", List(&PROTOCOL)),
    ("description", Text),
    ("destinationRanges", TEXTS),
    ("direction", OneOf(&["EGRESS", "INGRESS"])),
    ("disabled", Bool),
    ("id", Int),
    ("kind", Text),
    ("logConfig", Object(&[("enable", Bool), ("metadata", Text)])),
    ("name", Text),
    ("network", Text),
    ("params", Open),
    ("priority", Int),
    ("selfLink", Text),
    ("sourceRanges", TEXTS),
    ("sourceServiceAccounts", TEXTS),
    ("sourceTags", TEXTS),
    ("targetServiceAccounts", TEXTS),
    ("targetTags", TEXTS),
]);

const PROTOCOL: Shape = Object(&[("IPProtocol", Text), ("ports", TEXTS)]);

impl Shape {
    /// Whether the value at `at` fits.
    ///
    /// # Errors
    /// Naming the first field that does not.
    pub(crate) fn check(&self, at: &str, value: &Value) -> Result<(), Error> {
        let fits = match (self, value) {
            (_, Value::Null) => true,
            (Text, value) => value.is_string(),
            (Int, value) => int(value).is_some(),
            (Float, value) => value.is_number(),
            (Bool, value) => value.is_boolean(),
            (Open, value) => value.is_object(),
            (OneOf(known), value) => {
                let known = |text: &str| known.contains(&text);
                return match value.as_str() {
                    Some(text) if known(text) => Ok(()),
                    Some(text) => Err(Error::invalid(at, text, "")),
                    None => Err(wrong_type(at, value)),
                };
            }
            (List(of), Value::Array(items)) => {
                for (n, item) in items.iter().enumerate() {
                    of.check(&format!("{at}[{n}]"), item)?;
                }
                true
            }
            (Object(fields), Value::Object(values)) => {
                for (name, value) in values {
                    let known = fields.iter().find(|(known, _)| known == name);
                    let (_, shape) = known.ok_or_else(|| unknown_name(name, at))?;
                    shape.check(&format!("{at}.{name}"), value)?;
                }
                true
            }
            (List(_) | Object(_), _) => false,
        };
        if fits {
            Ok(())
        } else {
            Err(wrong_type(at, value))
        }
    }
}

/// The refusal of a field that does not exist.
fn unknown_name(name: &str, at: &str) -> Error {
    Error::bad_request(format!(
        "Invalid JSON payload received. Unknown name \"{name}\" at '{at}': Cannot find field."
    ))
}

fn wrong_type(at: &str, value: &Value) -> Error {
    Error::bad_request(format!("Invalid value at '{at}': {value}"))
}

fn int(value: &Value) -> Option<i64> {
    value.as_i64().or_else(|| value.as_str()?.parse().ok())
}

/// Reading a body that has been checked. `null` is as good as absent.
pub(crate) trait Fields {
    fn field(&self, name: &str) -> Option<&Value>;

    fn text(&self, name: &str) -> Option<&str> {
        self.field(name).and_then(Value::as_str)
    }

    fn bool(&self, name: &str) -> Option<bool> {
        self.field(name).and_then(Value::as_bool)
    }

    fn int(&self, name: &str) -> Option<i64> {
        self.field(name).and_then(int)
    }

    fn list(&self, name: &str) -> &[Value] {
        let list = self.field(name).and_then(Value::as_array);
        list.map_or(&[], Vec::as_slice)
    }
}

impl Fields for Value {
    fn field(&self, name: &str) -> Option<&Value> {
        self.get(name).filter(|value| !value.is_null())
    }
}

impl Fields for Map<String, Value> {
    fn field(&self, name: &str) -> Option<&Value> {
        self.get(name).filter(|value| !value.is_null())
    }
}

/// The range in `field`, which must begin at its first address.
///
/// # Errors
/// When it is missing or something else.
pub(crate) fn cidr(field: &str, given: Option<&str>) -> Result<Ipv4Net, Error> {
    let given = given.ok_or_else(|| Error::required(field))?;
    let range: Ipv4Net = given.parse().map_err(|_| {
        let rule = "Must be an IPv4 address range in CIDR format.";
        Error::invalid(field, given, rule)
    })?;
    if range.trunc() != range {
        let rule = format!(
            "Invalid IPCidrRange: the address must be the first of the range, {}.",
            range.trunc()
        );
        return Err(Error::invalid(field, given, &rule));
    }
    Ok(range)
}
