//! The kinds of things that have an id, and what is said about a wrong one.

use crate::cloud::Error;
use crate::ec2::error;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Vpc,
    Subnet,
    RouteTable,
    RouteTableAssociation,
    SecurityGroup,
    SecurityGroupRule,
    NetworkAcl,
    Peering,
    CidrAssociation,
}

/// The kinds that carry tags.
const TAGGABLE: [Kind; 7] = [
    Kind::Vpc,
    Kind::Subnet,
    Kind::RouteTable,
    Kind::SecurityGroup,
    Kind::SecurityGroupRule,
    Kind::NetworkAcl,
    Kind::Peering,
];

impl Kind {
    /// Which kind an id that can be tagged belongs to, judging by its prefix.
    pub(crate) fn of(id: &str) -> Option<Kind> {
        let (prefix, _) = id.rsplit_once('-')?;
        TAGGABLE.into_iter().find(|kind| kind.prefix() == prefix)
    }

    pub(crate) fn prefix(self) -> &'static str {
        match self {
            Kind::Vpc => "vpc",
            Kind::Subnet => "subnet",
            Kind::RouteTable => "rtb",
            Kind::RouteTableAssociation => "rtbassoc",
            Kind::SecurityGroup => "sg",
            Kind::SecurityGroupRule => "sgr",
            Kind::NetworkAcl => "acl",
            Kind::Peering => "pcx",
            Kind::CidrAssociation => "vpc-cidr-assoc",
        }
    }

    /// The name in tag specifications.
    pub(crate) fn resource_type(self) -> &'static str {
        match self {
            Kind::Vpc => "vpc",
            Kind::Subnet => "subnet",
            Kind::RouteTable | Kind::RouteTableAssociation => "route-table",
            Kind::SecurityGroup => "security-group",
            Kind::SecurityGroupRule => "security-group-rule",
            Kind::NetworkAcl => "network-acl",
            Kind::Peering => "vpc-peering-connection",
            Kind::CidrAssociation => "vpc-cidr-block-association",
        }
    }

    pub(crate) fn malformed_code(self) -> &'static str {
        match self {
            Kind::Vpc => "InvalidVpcID.Malformed",
            Kind::Subnet => "InvalidSubnetID.Malformed",
            Kind::RouteTable => "InvalidRouteTableId.Malformed",
            Kind::RouteTableAssociation => "InvalidRouteTableAssociationId.Malformed",
            Kind::SecurityGroup => "InvalidGroupId.Malformed",
            Kind::SecurityGroupRule => "InvalidSecurityGroupRuleId.Malformed",
            Kind::NetworkAcl => "InvalidNetworkAclId.Malformed",
            Kind::Peering => "InvalidVpcPeeringConnectionId.Malformed",
            Kind::CidrAssociation => "InvalidVpcCidrBlockAssociationId.Malformed",
        }
    }

    pub(crate) fn not_found_code(self) -> &'static str {
        match self {
            Kind::Vpc => "InvalidVpcID.NotFound",
            Kind::Subnet => "InvalidSubnetID.NotFound",
            Kind::RouteTable => "InvalidRouteTableID.NotFound",
            Kind::RouteTableAssociation => "InvalidAssociationID.NotFound",
            Kind::SecurityGroup => "InvalidGroup.NotFound",
            Kind::SecurityGroupRule => "InvalidSecurityGroupRuleId.NotFound",
            Kind::NetworkAcl => "InvalidNetworkAclID.NotFound",
            Kind::Peering => "InvalidVpcPeeringConnectionID.NotFound",
            Kind::CidrAssociation => "InvalidVpcCidrBlockAssociationID.NotFound",
        }
    }

    pub(crate) fn not_found_text(self, id: &str) -> String {
        match self {
            Kind::Vpc => format!("The vpc ID '{id}' does not exist"),
            Kind::Subnet => format!("The subnet ID '{id}' does not exist"),
            Kind::RouteTable => format!("The routeTable ID '{id}' does not exist"),
            Kind::RouteTableAssociation => format!("The association ID '{id}' does not exist"),
            Kind::SecurityGroup => format!("The security group '{id}' does not exist"),
            Kind::SecurityGroupRule => format!("The security group rule ID '{id}' does not exist"),
            Kind::NetworkAcl => format!("The networkAcl ID '{id}' does not exist"),
            Kind::Peering => format!("The vpcPeeringConnection ID '{id}' does not exist"),
            Kind::CidrAssociation => {
                format!("The vpc CIDR block association ID '{id}' does not exist")
            }
        }
    }

    /// Whether `id` is written as an id of this kind.
    ///
    /// # Errors
    /// The kind's `Malformed`.
    pub(crate) fn check(self, id: &str) -> Result<(), Error> {
        let tail = id
            .strip_prefix(self.prefix())
            .and_then(|rest| rest.strip_prefix('-'));
        let is_hex = |tail: &str| tail.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        match tail {
            Some(tail) if matches!(tail.len(), 8 | 17) && is_hex(tail) => Ok(()),
            _ => Err(error::malformed(self, id)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_have_eight_or_seventeen_digits() {
        assert!(Kind::Vpc.check("vpc-12345678").is_ok());
        assert!(Kind::Vpc.check("vpc-0123456789abcdef0").is_ok());
        for wrong in [
            "vpc-1234567",
            "vpc-1234567G",
            "pcx-12345678",
            "vpc-",
            "",
            "VPC-12345678",
        ] {
            let error = Kind::Vpc.check(wrong).unwrap_err();
            assert_eq!(error.code, "InvalidVpcID.Malformed");
        }
    }

    #[test]
    fn the_kind_follows_from_the_prefix() {
        assert_eq!(Kind::of("pcx-12345678"), Some(Kind::Peering));
        assert_eq!(Kind::of("i-12345678"), None);
    }
}
