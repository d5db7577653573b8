//! The rules of single fields that `types` does not know.

use types::{Cidr, Invalid};

/// Smallest and largest range of a network: AWS's bound above, three subnets and a spare below.
const PREFIXES: std::ops::RangeInclusive<u8> = 16..=26;
/// The largest range that a firewall admits: that of the largest private one, 10.0.0.0/8.
const LARGEST_ADMITTED: u8 = 8;

/// An id that a cloud has given, or a name; both clouds' are of this form.
pub(super) fn object(text: String) -> Result<String, Invalid> {
    let fits = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    if text.is_empty() {
        Err(Invalid::field("must be set"))
    } else if text.len() > 63
        || !text.starts_with(|c: char| c.is_ascii_lowercase())
        || !text.bytes().all(fits)
    {
        Err(Invalid::field(
            "must be an id or name of the cloud's: 1-63 characters of a-z 0-9 -, first a letter",
        ))
    } else {
        Ok(text)
    }
}

/// A range that a firewall may admit.
pub(super) fn admitted(text: &str) -> Result<Cidr, Invalid> {
    let cidr: Cidr = text.parse()?;
    if cidr.prefix_len() < LARGEST_ADMITTED {
        let rule = format!(
            "must be /{LARGEST_ADMITTED} or smaller, not {cidr}: a firewall never admits the world"
        );
        return Err(Invalid::field(rule));
    }
    Ok(cidr)
}

/// The range of a network.
pub(super) fn network_range(text: &str) -> Result<Cidr, Invalid> {
    let cidr: Cidr = text.parse()?;
    if PREFIXES.contains(&cidr.prefix_len()) {
        return Ok(cidr);
    }
    let (largest, smallest) = PREFIXES.into_inner();
    let rule = format!(
        "must be a range from /{largest} to /{smallest}, not /{}",
        cidr.prefix_len()
    );
    Err(Invalid::new("CIDR_SIZE", rule))
}

/// A port of TCP.
pub(super) fn port(number: i32) -> Result<u16, Invalid> {
    match u16::try_from(number) {
        Ok(port) if port > 0 => Ok(port),
        _ => Err(Invalid::field("must be a port: 1-65535")),
    }
}

/// A name of the DNS.
pub(super) fn host_name(name: &str) -> Result<String, Invalid> {
    let fits = |b: u8| b.is_ascii_alphanumeric() || b == b'-';
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(fits)
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    match name.len() <= 253 && name.split('.').all(is_label) {
        true => Ok(name.to_owned()),
        false => Err(Invalid::field(
            "must be a DNS name: labels of 1-63 characters of a-z A-Z 0-9 -, at most 253 in all",
        )),
    }
}
