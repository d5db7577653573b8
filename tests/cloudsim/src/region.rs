//! The AWS regions, as data, with their three zones each.

/// Every region that exists here.
pub const REGIONS: &[&str] = &[
    "af-south-1",
    "ap-east-1",
    "ap-northeast-1",
    "ap-northeast-2",
    "ap-northeast-3",
    "ap-south-1",
    "ap-south-2",
    "ap-southeast-1",
    "ap-southeast-2",
    "ap-southeast-3",
    "ca-central-1",
    "eu-central-1",
    "eu-north-1",
    "eu-south-1",
    "eu-west-1",
    "eu-west-2",
    "eu-west-3",
    "me-south-1",
    "sa-east-1",
    "us-east-1",
    "us-east-2",
    "us-west-1",
    "us-west-2",
];

pub(crate) fn exists(region: &str) -> bool {
    REGIONS.contains(&region)
}

/// One availability zone: `eu-west-1a` is `euw1-az1`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Zone {
    pub(crate) name: String,
    pub(crate) id: String,
}

pub(crate) fn zones(region: &str) -> Vec<Zone> {
    let short = short_name(region);
    let zone = |(index, letter)| Zone {
        name: format!("{region}{letter}"),
        id: format!("{short}-az{}", index + 1),
    };
    ['a', 'b', 'c'].into_iter().enumerate().map(zone).collect()
}

/// `ap-southeast-2` is `apse2`.
fn short_name(region: &str) -> String {
    let mut parts = region.split('-');
    let area = parts.next().unwrap_or_default();
    let direction = match parts.next().unwrap_or_default() {
        "northeast" => "ne",
        "southeast" => "se",
        "northwest" => "nw",
        "southwest" => "sw",
        other => other.get(..1).unwrap_or_default(),
    };
    format!("{area}{direction}{}", parts.next().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zones_have_the_names_and_ids_of_aws() {
        let zones = zones("ap-southeast-2");
        assert_eq!(zones[0].name, "ap-southeast-2a");
        assert_eq!(zones[2].id, "apse2-az3");
    }
}
