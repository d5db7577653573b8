//! The table of actions with the parameters each takes.

use crate::cloud::Error;
use crate::ec2::query::Query;
use crate::ec2::xml::Node;
use crate::ec2::{
    Context, network_acl, peering_actions, region, route, route_table, security_group,
    security_group_rule, subnet, tags, vpc, vpc_cidr,
};

pub(crate) type Run = fn(&mut Context<'_>, &Query) -> Result<Vec<Node>, Error>;

/// One action.
pub(crate) struct Action {
    name: &'static str,
    own: &'static [&'static str],
    shared: &'static [&'static [&'static str]],
    pub(crate) run: Run,
}

impl Action {
    pub(crate) fn parameters(&self) -> Vec<&'static str> {
        let shared = self.shared.iter().flat_map(|group| group.iter());
        self.own.iter().chain(shared).copied().collect()
    }
}

pub(crate) fn find(name: &str) -> Option<&'static Action> {
    ACTIONS.iter().find(|action| action.name == name)
}

const fn action(
    name: &'static str,
    own: &'static [&'static str],
    shared: &'static [&'static [&'static str]],
    run: Run,
) -> Action {
    Action {
        name,
        own,
        shared,
        run,
    }
}

const DRY: &[&str] = &["DryRun"];
const TAGS: &[&str] = &[
    "TagSpecification.#.ResourceType",
    "TagSpecification.#.Tag.#.Key",
    "TagSpecification.#.Tag.#.Value",
];
const FILTERS: &[&str] = &["Filter.#.Name", "Filter.#.Value.#"];
const PAGES: &[&str] = &["MaxResults", "NextToken"];
const PERMISSIONS: &[&str] = &[
    "IpPermissions.#.IpProtocol",
    "IpPermissions.#.FromPort",
    "IpPermissions.#.ToPort",
    "IpPermissions.#.IpRanges.#.CidrIp",
    "IpPermissions.#.IpRanges.#.Description",
    "IpPermissions.#.Ipv6Ranges.#.CidrIpv6",
    "IpPermissions.#.Ipv6Ranges.#.Description",
    "IpPermissions.#.Groups.#.GroupId",
    "IpPermissions.#.Groups.#.GroupName",
    "IpPermissions.#.Groups.#.UserId",
    "IpPermissions.#.Groups.#.VpcId",
    "IpPermissions.#.Groups.#.VpcPeeringConnectionId",
    "IpPermissions.#.Groups.#.Description",
    "GroupId",
    "IpProtocol",
    "FromPort",
    "ToPort",
    "CidrIp",
];
const ROUTE: &[&str] = &[
    "RouteTableId",
    "DestinationCidrBlock",
    "DestinationIpv6CidrBlock",
    "VpcPeeringConnectionId",
    "GatewayId",
    "NatGatewayId",
    "InstanceId",
    "NetworkInterfaceId",
    "TransitGatewayId",
];

const ACTIONS: &[Action] = &[
    action(
        "CreateVpc",
        &[
            "CidrBlock",
            "InstanceTenancy",
            "AmazonProvidedIpv6CidrBlock",
        ],
        &[TAGS, DRY],
        vpc::create_vpc,
    ),
    action(
        "DescribeVpcs",
        &["VpcId.#"],
        &[FILTERS, PAGES, DRY],
        vpc::describe_vpcs,
    ),
    action("DeleteVpc", &["VpcId"], &[DRY], vpc::delete_vpc),
    action(
        "ModifyVpcAttribute",
        &[
            "VpcId",
            "EnableDnsSupport.Value",
            "EnableDnsHostnames.Value",
        ],
        &[],
        vpc::modify_vpc_attribute,
    ),
    action(
        "DescribeVpcAttribute",
        &["VpcId", "Attribute"],
        &[DRY],
        vpc::describe_vpc_attribute,
    ),
    action(
        "AssociateVpcCidrBlock",
        &["VpcId", "CidrBlock"],
        &[],
        vpc_cidr::associate,
    ),
    action(
        "DisassociateVpcCidrBlock",
        &["AssociationId"],
        &[],
        vpc_cidr::disassociate,
    ),
    action(
        "CreateSubnet",
        &[
            "VpcId",
            "CidrBlock",
            "AvailabilityZone",
            "AvailabilityZoneId",
        ],
        &[TAGS, DRY],
        subnet::create_subnet,
    ),
    action(
        "DescribeSubnets",
        &["SubnetId.#"],
        &[FILTERS, PAGES, DRY],
        subnet::describe_subnets,
    ),
    action("DeleteSubnet", &["SubnetId"], &[DRY], subnet::delete_subnet),
    action(
        "DescribeAvailabilityZones",
        &["ZoneName.#", "ZoneId.#", "AllAvailabilityZones"],
        &[FILTERS, DRY],
        region::describe_availability_zones,
    ),
    action(
        "DescribeRegions",
        &["RegionName.#", "AllRegions"],
        &[FILTERS, DRY],
        region::describe_regions,
    ),
    action(
        "DescribeAccountAttributes",
        &["AttributeName.#"],
        &[DRY],
        region::describe_account_attributes,
    ),
    action(
        "CreateRouteTable",
        &["VpcId", "ClientToken"],
        &[TAGS, DRY],
        route_table::create_route_table,
    ),
    action(
        "DescribeRouteTables",
        &["RouteTableId.#"],
        &[FILTERS, PAGES, DRY],
        route_table::describe_route_tables,
    ),
    action(
        "DeleteRouteTable",
        &["RouteTableId"],
        &[DRY],
        route_table::delete_route_table,
    ),
    action(
        "AssociateRouteTable",
        &["RouteTableId", "SubnetId"],
        &[DRY],
        route_table::associate_route_table,
    ),
    action(
        "DisassociateRouteTable",
        &["AssociationId"],
        &[DRY],
        route_table::disassociate_route_table,
    ),
    action("CreateRoute", &[], &[ROUTE, DRY], route::create_route),
    action(
        "ReplaceRoute",
        &["LocalTarget"],
        &[ROUTE, DRY],
        route::replace_route,
    ),
    action(
        "DeleteRoute",
        &[
            "RouteTableId",
            "DestinationCidrBlock",
            "DestinationIpv6CidrBlock",
        ],
        &[DRY],
        route::delete_route,
    ),
    action(
        "CreateSecurityGroup",
        &["GroupName", "GroupDescription", "VpcId"],
        &[TAGS, DRY],
        security_group::create_security_group,
    ),
    action(
        "DescribeSecurityGroups",
        &["GroupId.#", "GroupName.#"],
        &[FILTERS, PAGES, DRY],
        security_group::describe_security_groups,
    ),
    action(
        "DeleteSecurityGroup",
        &["GroupId"],
        &[DRY],
        security_group::delete_security_group,
    ),
    action(
        "DescribeSecurityGroupRules",
        &["SecurityGroupRuleId.#"],
        &[FILTERS, PAGES, DRY],
        security_group_rule::describe_rules,
    ),
    action(
        "AuthorizeSecurityGroupIngress",
        &[],
        &[PERMISSIONS, TAGS, DRY],
        security_group_rule::authorize_ingress,
    ),
    action(
        "AuthorizeSecurityGroupEgress",
        &[],
        &[PERMISSIONS, TAGS, DRY],
        security_group_rule::authorize_egress,
    ),
    action(
        "RevokeSecurityGroupIngress",
        &["SecurityGroupRuleId.#"],
        &[PERMISSIONS, DRY],
        security_group_rule::revoke_ingress,
    ),
    action(
        "RevokeSecurityGroupEgress",
        &["SecurityGroupRuleId.#"],
        &[PERMISSIONS, DRY],
        security_group_rule::revoke_egress,
    ),
    action(
        "CreateTags",
        &["ResourceId.#", "Tag.#.Key", "Tag.#.Value"],
        &[DRY],
        tags::create_tags,
    ),
    action(
        "DeleteTags",
        &["ResourceId.#", "Tag.#.Key", "Tag.#.Value"],
        &[DRY],
        tags::delete_tags,
    ),
    action(
        "DescribeTags",
        &[],
        &[FILTERS, PAGES, DRY],
        tags::describe_tags,
    ),
    action(
        "DescribeNetworkAcls",
        &["NetworkAclId.#"],
        &[FILTERS, PAGES, DRY],
        network_acl::describe_network_acls,
    ),
    action(
        "CreateVpcPeeringConnection",
        &["VpcId", "PeerVpcId", "PeerOwnerId", "PeerRegion"],
        &[TAGS, DRY],
        peering_actions::create,
    ),
    action(
        "DescribeVpcPeeringConnections",
        &["VpcPeeringConnectionId.#"],
        &[FILTERS, PAGES, DRY],
        peering_actions::describe_all,
    ),
    action(
        "AcceptVpcPeeringConnection",
        &["VpcPeeringConnectionId"],
        &[DRY],
        peering_actions::accept,
    ),
    action(
        "RejectVpcPeeringConnection",
        &["VpcPeeringConnectionId"],
        &[DRY],
        peering_actions::reject,
    ),
    action(
        "DeleteVpcPeeringConnection",
        &["VpcPeeringConnectionId"],
        &[DRY],
        peering_actions::delete,
    ),
    action(
        "ModifyVpcPeeringConnectionOptions",
        &[
            "VpcPeeringConnectionId",
            "RequesterPeeringConnectionOptions.AllowDnsResolutionFromRemoteVpc",
            "AccepterPeeringConnectionOptions.AllowDnsResolutionFromRemoteVpc",
        ],
        &[DRY],
        peering_actions::modify_options,
    ),
];
