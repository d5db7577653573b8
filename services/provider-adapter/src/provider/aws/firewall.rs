//! The allow list: the security group's ingress rules are exactly the wanted ranges and ports.

use api::cloud::CloudError;
use aws_sdk_ec2::types::{IpPermission, SecurityGroup};

use super::client::Ec2;
use super::error::Failure;
use super::firewall_plan::{Wanted, plan};
use super::tags;
use super::vpc_look::{self, GROUPS, Marks, incomplete};
use crate::provider::EnsureFirewall;

const REVOKE: &str = "RevokeSecurityGroupIngress";
const AUTHORIZE: &str = "AuthorizeSecurityGroupIngress";

/// Looks, revokes what is surplus, authorizes what is missing, and looks again. True: the last look shows it right.
pub(super) async fn ensure(ec2: &Ec2, ask: &EnsureFirewall) -> Result<bool, CloudError> {
    let wanted = wanted(ask);
    let group = look(ec2, ask).await?;
    let change = plan(group.ip_permissions(), &wanted);
    if change.is_none() {
        return Ok(true);
    }
    let id = group.group_id().unwrap_or_default();
    // First, since it makes room under the quota.
    let revoked = !change.surplus.is_empty();
    if revoked {
        revoke(ec2, id, change.surplus)
            .await
            .map_err(Failure::of_write)?;
    }
    if !change.missing.is_empty() {
        authorize(ec2, id, change.missing)
            .await
            .map_err(|failure| refusal(ec2, failure, wanted.len(), revoked))?;
    }
    let group = look(ec2, ask).await.map_err(|error| CloudError {
        refused: false,
        ..error
    })?;
    Ok(plan(group.ip_permissions(), &wanted).is_none())
}

fn wanted(ask: &EnsureFirewall) -> Wanted {
    let ports = ask.ports.iter().copied();
    let rules = ports.flat_map(|port| ask.cidrs.iter().map(move |cidr| (port, *cidr)));
    rules.collect()
}

/// The network's security group: the recorded one, else the first that carries its tags.
async fn look(ec2: &Ec2, ask: &EnsureFirewall) -> Result<SecurityGroup, CloudError> {
    let marks = Marks::new(&ask.vpc);
    let recorded = ask.known.security_group_id.as_deref();
    let vpc = ask.known.id.as_deref();
    let filters = match recorded {
        Some(id) => vec![tags::filter("group-id", [id])],
        None => tags::filters(&marks.pairs()),
    };
    let mut found = vpc_look::security_groups(ec2, filters).await?;
    found.retain(|group| {
        let asked = match recorded {
            Some(id) => group.group_id() == Some(id),
            None => marks.are_on(group.tags()),
        };
        asked && vpc.is_none_or(|vpc| group.vpc_id() == Some(vpc))
    });
    found.sort_by(|a, b| a.group_id().cmp(&b.group_id()));
    let group = found.into_iter().next().ok_or_else(not_shown)?;
    ec2.own(group.owner_id(), "the network's security group")?;
    // Without its rules, it is no group that admits nobody.
    let whole = group.group_id.is_some() && group.ip_permissions.is_some();
    whole.then_some(group).ok_or_else(|| incomplete(GROUPS))
}

fn not_shown() -> CloudError {
    Failure::unusable(GROUPS, "the network's security group is not shown").while_looking()
}

async fn revoke(ec2: &Ec2, group: &str, rules: Vec<IpPermission>) -> Result<(), Failure> {
    let call = ec2
        .client
        .revoke_security_group_ingress()
        .group_id(group)
        .set_ip_permissions(Some(rules));
    match ec2.call(REVOKE, call.send()).await {
        Ok(answer) => done(REVOKE, answer.r#return),
        // The look was behind: a later one tells what is left.
        Err(failure) if failure.is(&["InvalidPermission.NotFound"]) => Ok(()),
        Err(failure) => Err(failure),
    }
}

async fn authorize(ec2: &Ec2, group: &str, rules: Vec<IpPermission>) -> Result<(), Failure> {
    let call = ec2
        .client
        .authorize_security_group_ingress()
        .group_id(group)
        .set_ip_permissions(Some(rules));
    match ec2.call(AUTHORIZE, call.send()).await {
        Ok(answer) => done(AUTHORIZE, answer.r#return),
        // As above; EC2 has then added none of the others.
        Err(failure) if failure.is(&["InvalidPermission.Duplicate"]) => Ok(()),
        Err(failure) => Err(failure),
    }
}

fn done(api: &str, said: Option<bool>) -> Result<(), Failure> {
    match said {
        Some(false) => Err(Failure::unusable(
            api,
            "the answer says that nothing was done",
        )),
        _ => Ok(()),
    }
}

/// What a refused authorization means; `revoked`: something has been changed before it.
fn refusal(ec2: &Ec2, failure: Failure, rules: usize, revoked: bool) -> CloudError {
    let full = failure.is(&["RulesPerSecurityGroupLimitExceeded"]);
    let mut error = failure.of_write();
    error.refused &= !revoked;
    if full {
        error.message = format!(
            "the allow list needs {rules} rules, one per range and port, which is more than AWS allows: the vendor \
             has to raise the quota \"Inbound or outbound rules per security group\" of account {} in {}",
            ec2.account, ec2.region
        );
    }
    error
}
