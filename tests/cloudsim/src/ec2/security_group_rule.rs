//! Rules of security groups: authorize, revoke, describe.

use ipnet::{IpNet, Ipv4Net};

use crate::cloud::Error;
use crate::ec2::describe::{self, Listed, Listing, View, required_id};
use crate::ec2::id::Kind;
use crate::ec2::permission::{self, port_nodes};
use crate::ec2::query::Query;
use crate::ec2::security_group::own_group;
use crate::ec2::state::{Permission, Rule, SecurityGroup, Source, State};
use crate::ec2::xml::{self, Node, text, tree};
use crate::ec2::{Context, error, tags};

fn rule(state: &mut State, group: &SecurityGroup, egress: bool, permission: Permission) -> Rule {
    Rule {
        id: state.new_id(Kind::SecurityGroupRule),
        owner: group.owner.clone(),
        group_id: group.id.clone(),
        egress,
        permission,
        description: None,
        created_ms: group.created_ms,
    }
}

fn any_protocol(source: Source) -> Permission {
    Permission {
        protocol: "-1".to_owned(),
        ports: None,
        source,
    }
}

/// The ingress rule of a default group.
pub(crate) fn ingress_from_itself(state: &mut State, group: &SecurityGroup) -> Rule {
    let itself = Source::Group {
        account: group.owner.account.clone(),
        group_id: group.id.clone(),
        vpc_id: group.vpc_id.clone(),
        peering_id: None,
    };
    rule(state, group, false, any_protocol(itself))
}

/// The egress rule every group begins with.
pub(crate) fn any_egress(state: &mut State, group: &SecurityGroup) -> Rule {
    let anywhere = Source::Cidr(IpNet::V4(Ipv4Net::default()));
    rule(state, group, true, any_protocol(anywhere))
}

pub(crate) fn authorize_ingress(
    context: &mut Context<'_>,
    query: &Query,
) -> Result<Vec<Node>, Error> {
    authorize(context, query, false)
}

pub(crate) fn authorize_egress(
    context: &mut Context<'_>,
    query: &Query,
) -> Result<Vec<Node>, Error> {
    authorize(context, query, true)
}

fn authorize(context: &mut Context<'_>, query: &Query, egress: bool) -> Result<Vec<Node>, Error> {
    let id = required_id(query, "GroupId", Kind::SecurityGroup)?;
    let group = own_group(context, id)?.clone();
    let wanted = permission::read(query, context.state, &group)?;
    if wanted.is_empty() {
        return Err(error::missing("IpPermissions"));
    }
    let tags = tags::on_create(query, context.config, Kind::SecurityGroupRule)?;
    let present: Vec<&Rule> = rules_of(context.state, id, egress).collect();
    if let Some((known, _)) = wanted
        .iter()
        .find(|(wanted, _)| present.iter().any(|x| x.permission == *wanted))
    {
        return Err(Error::new(
            "InvalidPermission.Duplicate",
            duplicate_text(known),
        ));
    }
    if present.len() + wanted.len() > context.config.limits.rules_per_group {
        let text = "The maximum number of rules per security group has been reached.";
        return Err(Error::new("RulesPerSecurityGroupLimitExceeded", text));
    }
    let mut added = Vec::new();
    for (permission, description) in wanted {
        let mut rule = rule(context.state, &group, egress, permission);
        (rule.description, rule.created_ms) = (description, context.now_ms);
        context
            .state
            .security_group_rules
            .insert(rule.id.clone(), rule.clone());
        context.put_tags(&rule.id, tags.clone());
        added.push(rule);
    }
    let view = context.view();
    Ok(vec![
        text("return", true),
        xml::set(
            "securityGroupRuleSet",
            added.iter().map(|rule| rule.node(&view)),
        ),
    ])
}

/// As the real one names a rule: `peer: 10.0.0.0/16, TCP, from port: 80, to port: 80, ALLOW`.
fn duplicate_text(permission: &Permission) -> String {
    let peer = match &permission.source {
        Source::Cidr(net) => net.to_string(),
        Source::Group { group_id, .. } => group_id.clone(),
    };
    let rule = match (permission.protocol.as_str(), permission.ports) {
        ("-1", _) => format!("peer: {peer}, ALL, ALLOW"),
        (name, Some((from, to))) => {
            let name = name.to_ascii_uppercase();
            format!("peer: {peer}, {name}, from port: {from}, to port: {to}, ALLOW")
        }
        (name, None) => format!("peer: {peer}, {name}, ALLOW"),
    };
    format!("the specified rule \"{rule}\" already exists")
}

pub(crate) fn revoke_ingress(context: &mut Context<'_>, query: &Query) -> Result<Vec<Node>, Error> {
    revoke(context, query, false)
}

pub(crate) fn revoke_egress(context: &mut Context<'_>, query: &Query) -> Result<Vec<Node>, Error> {
    revoke(context, query, true)
}

fn revoke(context: &mut Context<'_>, query: &Query, egress: bool) -> Result<Vec<Node>, Error> {
    let id = required_id(query, "GroupId", Kind::SecurityGroup)?;
    let group = own_group(context, id)?.clone();
    let ids = query.list("SecurityGroupRuleId");
    let gone = if ids.is_empty() {
        matching(context.state, query, &group, egress)?
    } else {
        by_id(context.state, &ids, id, egress)?
    };
    if gone.is_empty() {
        return Err(error::missing("IpPermissions"));
    }
    let mut nodes = Vec::new();
    for rule_id in gone {
        if let Some(rule) = context.state.security_group_rules.get(&rule_id) {
            nodes.push(revoked_node(rule));
        }
        context.state.forget(&rule_id);
    }
    Ok(vec![
        text("return", true),
        xml::set("revokedSecurityGroupRuleSet", nodes),
    ])
}

fn by_id(state: &State, ids: &[&str], group_id: &str, egress: bool) -> Result<Vec<String>, Error> {
    let mut gone = Vec::new();
    for id in ids {
        Kind::SecurityGroupRule.check(id)?;
        if !rules_of(state, group_id, egress).any(|rule| rule.id == *id) {
            return Err(error::not_found(Kind::SecurityGroupRule, id));
        }
        gone.push((*id).to_owned());
    }
    Ok(gone)
}

fn matching(
    state: &State,
    query: &Query,
    group: &SecurityGroup,
    egress: bool,
) -> Result<Vec<String>, Error> {
    let mut gone = Vec::new();
    for (wanted, _) in permission::read(query, state, group)? {
        let found = rules_of(state, &group.id, egress).find(|rule| rule.permission == wanted);
        let text = "The specified rule does not exist in this security group.";
        let found = found.ok_or_else(|| Error::new("InvalidPermission.NotFound", text))?;
        gone.push(found.id.clone());
    }
    Ok(gone)
}

fn rules_of<'a>(
    state: &'a State,
    group_id: &'a str,
    egress: bool,
) -> impl Iterator<Item = &'a Rule> {
    state
        .security_group_rules
        .values()
        .filter(move |rule| rule.group_id == group_id && rule.egress == egress)
}

pub(crate) fn describe_rules(context: &mut Context<'_>, query: &Query) -> Result<Vec<Node>, Error> {
    let view = context.view();
    describe::describe(&view, query, view.state.security_group_rules.values())
}

fn common_nodes(rule: &Rule) -> Vec<Node> {
    let mut nodes = vec![
        text("securityGroupRuleId", &rule.id),
        text("groupId", &rule.group_id),
        text("isEgress", rule.egress),
        text("ipProtocol", &rule.permission.protocol),
    ];
    match port_nodes(&rule.permission) {
        // Here, unlike in a group, all ports are written out.
        ports if ports.is_empty() => nodes.extend([text("fromPort", -1), text("toPort", -1)]),
        ports => nodes.extend(ports),
    }
    match &rule.permission.source {
        Source::Cidr(IpNet::V4(net)) => nodes.push(text("cidrIpv4", net)),
        Source::Cidr(IpNet::V6(net)) => nodes.push(text("cidrIpv6", net)),
        Source::Group { .. } => {}
    }
    nodes.extend(
        rule.description
            .as_ref()
            .map(|description| text("description", description)),
    );
    nodes
}

fn revoked_node(rule: &Rule) -> Vec<Node> {
    let mut nodes = common_nodes(rule);
    if let Source::Group { group_id, .. } = &rule.permission.source {
        nodes.push(text("referencedGroupId", group_id));
    }
    nodes
}

impl Listed for Rule {
    const LISTING: Listing = Listing {
        action: "DescribeSecurityGroupRules",
        set: "securityGroupRuleSet",
        ids: "SecurityGroupRuleId",
        kind: Kind::SecurityGroupRule,
        filters: &["group-id", "security-group-rule-id"],
        most_results: 1000,
    };

    fn id(&self) -> &str {
        &self.id
    }

    fn is_visible(&self, view: &View<'_>) -> bool {
        self.owner == *view.caller && view.is_out(self.created_ms)
    }

    fn values(&self, _: &View<'_>, filter: &str) -> Vec<String> {
        match filter {
            "group-id" => vec![self.group_id.clone()],
            _ => vec![self.id.clone()],
        }
    }

    fn node(&self, view: &View<'_>) -> Vec<Node> {
        let owner = &self.owner;
        let arn = format!(
            "arn:aws:ec2:{}:{}:security-group-rule/{}",
            owner.region, owner.account, self.id
        );
        let mut nodes = common_nodes(self);
        nodes.extend([
            text("groupOwnerId", &owner.account),
            text("securityGroupRuleArn", arn),
        ]);
        if let Source::Group {
            account,
            group_id,
            vpc_id,
            peering_id,
        } = &self.permission.source
        {
            let mut info = vec![
                text("groupId", group_id),
                text("userId", account),
                text("vpcId", vpc_id),
            ];
            info.extend(
                peering_id
                    .as_ref()
                    .map(|id| text("vpcPeeringConnectionId", id)),
            );
            nodes.push(tree("referencedGroupInfo", info));
        }
        nodes.push(view.tag_set(&self.id));
        nodes
    }
}
