//! Security groups; their rules stand next door.

use crate::cloud::Error;
use crate::ec2::describe::{self, Listed, Listing, View, required_id};
use crate::ec2::id::Kind;
use crate::ec2::permission;
use crate::ec2::query::Query;
use crate::ec2::security_group_rule::any_egress;
use crate::ec2::state::{Rule, SecurityGroup, Source};
use crate::ec2::vpc::own_vpc;
use crate::ec2::xml::{Node, text};
use crate::ec2::{Context, error, tags};

pub(crate) fn create_security_group(
    context: &mut Context<'_>,
    query: &Query,
) -> Result<Vec<Node>, Error> {
    let name = query.required("GroupName")?;
    let description = query.required("GroupDescription")?;
    check_text("groupName", name)?;
    check_text("groupDescription", description)?;
    if name.starts_with("sg-") {
        let why = "Group names may not be in the format sg-*.";
        return Err(error::invalid_parameter("groupName", name, why));
    }
    if name == "default" {
        return Err(Error::new(
            "InvalidGroup.Reserved",
            "The name 'default' is reserved",
        ));
    }
    if query.get("VpcId").is_none() {
        let text = "No default VPC for this user";
        return Err(Error::new("VPCIdNotSpecified", text));
    }
    let vpc_id = required_id(query, "VpcId", Kind::Vpc)?;
    own_vpc(context, vpc_id)?;
    let tags = tags::on_create(query, context.config, Kind::SecurityGroup)?;
    let mut groups = context.state.security_groups.values();
    if groups.any(|group| group.vpc_id == vpc_id && group.name == name) {
        let text = format!("The security group '{name}' already exists for VPC '{vpc_id}'");
        return Err(Error::new("InvalidGroup.Duplicate", text));
    }
    let owned = context
        .state
        .security_groups
        .values()
        .filter(|group| group.owner == *context.caller)
        .count();
    if owned >= context.config.limits.security_groups_per_region {
        let text = "The maximum number of security groups has been reached.";
        return Err(Error::new("SecurityGroupLimitExceeded", text));
    }
    let group = SecurityGroup {
        id: context.state.new_id(Kind::SecurityGroup),
        owner: context.caller.clone(),
        vpc_id: vpc_id.to_owned(),
        name: name.to_owned(),
        description: description.to_owned(),
        created_ms: context.now_ms,
    };
    let egress = any_egress(context.state, &group);
    context
        .state
        .security_group_rules
        .insert(egress.id.clone(), egress);
    context
        .state
        .security_groups
        .insert(group.id.clone(), group.clone());
    context.put_tags(&group.id, tags);
    let view = context.view();
    Ok(vec![
        text("groupId", &group.id),
        text("securityGroupArn", group.arn()),
        view.tag_set(&group.id),
    ])
}

fn check_text(parameter: &str, value: &str) -> Result<(), Error> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || " ._-:/()#,@[]+=&;{}!$*".contains(c);
    if value.len() > 255 || !value.chars().all(allowed) {
        let why = "Character sets beyond ASCII are not supported.";
        return Err(error::invalid_parameter(parameter, value, why));
    }
    Ok(())
}

pub(crate) fn describe_security_groups(
    context: &mut Context<'_>,
    query: &Query,
) -> Result<Vec<Node>, Error> {
    let view = context.view();
    if let Some(name) = query.list("GroupName").first() {
        // Names work in a default VPC only, and there is none.
        let text = format!("The security group '{name}' does not exist in default VPC");
        return Err(Error::new("InvalidGroup.NotFound", text));
    }
    describe::describe(&view, query, view.state.security_groups.values())
}

pub(crate) fn delete_security_group(
    context: &mut Context<'_>,
    query: &Query,
) -> Result<Vec<Node>, Error> {
    if query.get("GroupId").is_none() {
        let text = "The request must contain the parameter groupName or groupId";
        return Err(Error::new("MissingParameter", text));
    }
    let id = required_id(query, "GroupId", Kind::SecurityGroup)?;
    let group = own_group(context, id)?;
    if group.name == "default" {
        let text =
            format!("the specified group: \"{id}\" name: \"default\" cannot be deleted by a user");
        return Err(Error::new("CannotDelete", text));
    }
    let refers = |rule: &Rule| matches!(&rule.permission.source, Source::Group { group_id, .. } if group_id == id);
    let mut others = context
        .state
        .security_group_rules
        .values()
        .filter(|rule| rule.group_id != id);
    if others.any(|rule| rule.owner == *context.caller && refers(rule)) {
        let text = format!("resource {id} has a dependent object");
        return Err(Error::new("DependencyViolation", text));
    }
    context.state.forget(id);
    Ok(vec![text("return", true), text("groupId", id)])
}

pub(crate) fn own_group<'a>(
    context: &'a Context<'_>,
    id: &str,
) -> Result<&'a SecurityGroup, Error> {
    let group = context
        .state
        .security_groups
        .get(id)
        .filter(|group| group.owner == *context.caller);
    group.ok_or_else(|| error::not_found(Kind::SecurityGroup, id))
}

impl SecurityGroup {
    fn arn(&self) -> String {
        format!(
            "arn:aws:ec2:{}:{}:security-group/{}",
            self.owner.region, self.owner.account, self.id
        )
    }

    fn rules<'a>(&self, view: &View<'a>, egress: bool) -> Vec<&'a Rule> {
        let rules = view.state.security_group_rules.values();
        rules
            .filter(|rule| rule.egress == egress && rule.group_id == self.id)
            .collect()
    }

    fn rule_values(&self, view: &View<'_>, egress: bool, what: &str) -> Vec<String> {
        let value = |rule: &&Rule| match (what, &rule.permission.source) {
            ("cidr", Source::Cidr(net @ ipnet::IpNet::V4(_))) => Some(net.to_string()),
            ("ipv6-cidr", Source::Cidr(net @ ipnet::IpNet::V6(_))) => Some(net.to_string()),
            ("group-id", Source::Group { group_id, .. }) => Some(group_id.clone()),
            ("group-name", Source::Group { group_id, .. }) => view
                .state
                .security_groups
                .get(group_id)
                .map(|group| group.name.clone()),
            ("user-id", Source::Group { account, .. }) => Some(account.clone()),
            ("protocol", _) => Some(rule.permission.protocol.clone()),
            ("from-port", _) => rule.permission.ports.map(|ports| ports.0.to_string()),
            ("to-port", _) => rule.permission.ports.map(|ports| ports.1.to_string()),
            _ => None,
        };
        self.rules(view, egress).iter().filter_map(value).collect()
    }
}

impl Listed for SecurityGroup {
    const LISTING: Listing = Listing {
        action: "DescribeSecurityGroups",
        set: "securityGroupInfo",
        ids: "GroupId",
        kind: Kind::SecurityGroup,
        filters: &[
            "description",
            "egress.ip-permission.cidr",
            "egress.ip-permission.from-port",
            "egress.ip-permission.group-id",
            "egress.ip-permission.group-name",
            "egress.ip-permission.ipv6-cidr",
            "egress.ip-permission.prefix-list-id",
            "egress.ip-permission.protocol",
            "egress.ip-permission.to-port",
            "egress.ip-permission.user-id",
            "group-id",
            "group-name",
            "ip-permission.cidr",
            "ip-permission.from-port",
            "ip-permission.group-id",
            "ip-permission.group-name",
            "ip-permission.ipv6-cidr",
            "ip-permission.prefix-list-id",
            "ip-permission.protocol",
            "ip-permission.to-port",
            "ip-permission.user-id",
            "owner-id",
            "vpc-id",
        ],
        most_results: 1000,
    };

    fn id(&self) -> &str {
        &self.id
    }

    fn is_visible(&self, view: &View<'_>) -> bool {
        self.owner == *view.caller && view.is_out(self.created_ms)
    }

    fn values(&self, view: &View<'_>, filter: &str) -> Vec<String> {
        if let Some(what) = filter.strip_prefix("egress.ip-permission.") {
            return self.rule_values(view, true, what);
        }
        if let Some(what) = filter.strip_prefix("ip-permission.") {
            return self.rule_values(view, false, what);
        }
        vec![match filter {
            "description" => self.description.clone(),
            "group-id" => self.id.clone(),
            "group-name" => self.name.clone(),
            "owner-id" => self.owner.account.clone(),
            "vpc-id" => self.vpc_id.clone(),
            _ => return vec![],
        }]
    }

    fn node(&self, view: &View<'_>) -> Vec<Node> {
        vec![
            text("ownerId", &self.owner.account),
            text("groupId", &self.id),
            text("groupName", &self.name),
            text("groupDescription", &self.description),
            text("vpcId", &self.vpc_id),
            text("securityGroupArn", self.arn()),
            permission::nodes("ipPermissions", &self.rules(view, false)),
            permission::nodes("ipPermissionsEgress", &self.rules(view, true)),
            view.tag_set(&self.id),
        ]
    }
}
