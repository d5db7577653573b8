//! The calls on peerings, by either side.

use crate::cloud::{Caller, Error};
use crate::ec2::describe::{self, View, required_id, returned};
use crate::ec2::id::Kind;
use crate::ec2::peering::{Code, Peering, Side, Status, is_seen};
use crate::ec2::peering_view::{answer, options_nodes};
use crate::ec2::query::Query;
use crate::ec2::state::Vpc;
use crate::ec2::vpc::own_vpc;
use crate::ec2::xml::{Node, tree};
use crate::ec2::{Context, error, tags};

pub(crate) fn create(context: &mut Context<'_>, query: &Query) -> Result<Vec<Node>, Error> {
    let vpc_id = required_id(query, "VpcId", Kind::Vpc)?;
    let peer_vpc_id = required_id(query, "PeerVpcId", Kind::Vpc)?;
    let peer = peer_owner(context.caller, query)?;
    let tags = tags::on_create(query, context.config, Kind::Peering)?;
    let vpc = own_vpc(context, vpc_id)?;
    let theirs = context
        .state
        .vpcs
        .get(peer_vpc_id)
        .filter(|vpc| vpc.owner == peer);
    if theirs.is_none() && peer == *context.caller {
        return Err(error::not_found(Kind::Vpc, peer_vpc_id));
    }
    let same = |x: &&Peering| {
        let is_pair = x.requester.vpc_id == vpc_id && x.accepter.vpc_id == peer_vpc_id;
        is_pair && x.accepter.owner == peer && x.status.code.is_live()
    };
    if let Some(existing) = context.state.peerings.values().find(same).cloned() {
        if context.config.tags_applied_to_existing {
            context.put_tags(&existing.id, tags);
        }
        return Ok(answer(&context.view(), &existing));
    }
    check_limits(context, vpc_id)?;
    let doomed = theirs.is_none_or(|theirs| theirs.overlaps(vpc));
    let requester = side(context.caller, vpc_id, Some(vpc));
    let accepter = side(&peer, peer_vpc_id, theirs);
    let peering = requested(context, requester, accepter, doomed);
    context.put_tags(&peering.id, tags);
    Ok(answer(&context.view(), &peering))
}

fn side(owner: &Caller, vpc_id: &str, vpc: Option<&Vpc>) -> Side {
    let cidrs = vpc.into_iter().flat_map(|vpc| &vpc.cidrs);
    Side {
        owner: owner.clone(),
        vpc_id: vpc_id.to_owned(),
        cidrs: cidrs.map(|cidr| cidr.cidr).collect(),
        allow_dns: false,
    }
}

/// Makes the request.
fn requested(context: &mut Context<'_>, requester: Side, accepter: Side, doomed: bool) -> Peering {
    let peering = Peering {
        id: context.state.new_id(Kind::Peering),
        status: Status {
            code: Code::InitiatingRequest,
            message: format!("Initiating Request to {}", accepter.owner.account),
            since_ms: context.now_ms,
            ended_by: None,
        },
        requester,
        accepter,
        created_ms: context.now_ms,
        expires_ms: context.now_ms + context.config.expiry_ms,
        doomed,
        held: false,
    };
    let all = &mut context.state.peerings;
    all.insert(peering.id.clone(), peering.clone());
    peering
}

/// Account and region of the peer; the caller's own where they are not named.
fn peer_owner(caller: &Caller, query: &Query) -> Result<Caller, Error> {
    let account = query.get("PeerOwnerId").unwrap_or(&caller.account);
    if account.len() != 12 || !account.bytes().all(|b| b.is_ascii_digit()) {
        return Err(error::invalid_value(format!(
            "Invalid value '{account}' for peerOwnerId. It must be an account ID."
        )));
    }
    let region = query.get("PeerRegion").unwrap_or(&caller.region);
    if !crate::region::exists(region) {
        return Err(error::invalid_value(format!("Invalid region: {region}")));
    }
    Ok(Caller::new(account, region))
}

fn check_limits(context: &Context<'_>, vpc_id: &str) -> Result<(), Error> {
    let limits = &context.config.limits;
    let all = || context.state.peerings.values();
    let own =
        all().filter(|x| x.requester.owner == *context.caller && x.status.code.is_outstanding());
    if own.count() >= limits.outstanding_peerings {
        let text =
            "The maximum number of outstanding VPC peering connection requests has been reached.";
        return Err(Error::new(
            "OutstandingVpcPeeringConnectionLimitExceeded",
            text,
        ));
    }
    if active_of(context, vpc_id) >= limits.active_peerings_per_vpc {
        let text = "The maximum number of VPC peering connections per VPC has been reached.";
        return Err(Error::new("VpcPeeringConnectionsPerVpcLimitExceeded", text));
    }
    Ok(())
}

fn active_of(context: &Context<'_>, vpc_id: &str) -> usize {
    let up = context
        .state
        .peerings
        .values()
        .filter(|x| x.status.code.is_up());
    up.filter(|x| x.requester.vpc_id == vpc_id || x.accepter.vpc_id == vpc_id)
        .count()
}

pub(crate) fn describe_all(context: &mut Context<'_>, query: &Query) -> Result<Vec<Node>, Error> {
    let view = context.view();
    describe::describe(&view, query, view.state.peerings.values())
}

pub(crate) fn accept(context: &mut Context<'_>, query: &Query) -> Result<Vec<Node>, Error> {
    let peering = find_pending(context, query, "accept", "active")?;
    let (ours, theirs) = (&peering.accepter.vpc_id, &peering.requester.vpc_id);
    if context
        .state
        .peerings
        .values()
        .any(|other| other.status.code.is_up() && is_same_pair(other, &peering))
    {
        let text = format!(
            "The vpc peering connection identified by {} already exists.",
            peering.id
        );
        return Err(Error::new("VpcPeeringConnectionAlreadyExists", text));
    }
    let most = context.config.limits.active_peerings_per_vpc;
    if active_of(context, ours) >= most || active_of(context, theirs) >= most {
        let text = "The maximum number of active VPC peering connections per VPC has been reached.";
        return Err(Error::new(
            "ActiveVpcPeeringConnectionPerVpcLimitExceeded",
            text,
        ));
    }
    let now_ms = context.now_ms;
    change(context, &peering.id, |peering| {
        peering.turn(Code::Provisioning, "Provisioning", now_ms)
    });
    let accepted = context
        .state
        .peerings
        .get(&peering.id)
        .unwrap_or(&peering)
        .clone();
    Ok(answer(&context.view(), &accepted))
}

fn is_same_pair(a: &Peering, b: &Peering) -> bool {
    let ends = |x: &Peering| [x.requester.vpc_id.clone(), x.accepter.vpc_id.clone()];
    let (a, mut b) = (ends(a), ends(b));
    a == b || {
        b.reverse();
        a == b
    }
}

pub(crate) fn reject(context: &mut Context<'_>, query: &Query) -> Result<Vec<Node>, Error> {
    let peering = find_pending(context, query, "reject", "rejected")?;
    let (account, now_ms) = (context.caller.account.clone(), context.now_ms);
    change(context, &peering.id, |peering| {
        peering.turn(Code::Rejected, format!("Rejected by {account}"), now_ms);
        peering.status.ended_by = Some(account);
    });
    Ok(returned())
}

/// The requester may take back a request; either side may end what is accepted.
pub(crate) fn delete(context: &mut Context<'_>, query: &Query) -> Result<Vec<Node>, Error> {
    let peering = find(context, query)?.clone();
    let (account, now_ms) = (context.caller.account.clone(), context.now_ms);
    let code = &peering.status.code;
    match code {
        Code::PendingAcceptance | Code::InitiatingRequest
            if peering.requester.owner != *context.caller =>
        {
            return Err(error::not_permitted(format!(
                "User {account} cannot delete peering {}",
                peering.id
            )));
        }
        code if code.has_ended() => {
            return Err(error::transition(&peering.id, code.as_str(), "deleting"));
        }
        _ => {}
    }
    change(context, &peering.id, |peering| {
        peering.end(&account, now_ms)
    });
    Ok(returned())
}

pub(crate) fn modify_options(context: &mut Context<'_>, query: &Query) -> Result<Vec<Node>, Error> {
    let peering = find(context, query)?.clone();
    let requester =
        query.bool("RequesterPeeringConnectionOptions.AllowDnsResolutionFromRemoteVpc")?;
    let accepter =
        query.bool("AccepterPeeringConnectionOptions.AllowDnsResolutionFromRemoteVpc")?;
    if requester.is_none() && accepter.is_none() {
        let text = "At least one of requester or accepter peering options must be specified.";
        return Err(Error::new("MissingParameter", text));
    }
    if peering.status.code != Code::Active {
        return Err(error::not_permitted(format!(
            "Peering {} is not active. Peering options can be added only to active peerings.",
            peering.id
        )));
    }
    for (wanted, side, name) in [
        (requester, &peering.requester, "requester"),
        (accepter, &peering.accepter, "accepter"),
    ] {
        let Some(wanted) = wanted else { continue };
        if side.owner != *context.caller {
            let (account, id) = (&context.caller.account, &peering.id);
            let text =
                format!("User {account} cannot modify {name} peering options of peering {id}");
            return Err(error::not_permitted(text));
        }
        let hostnames = context
            .state
            .vpcs
            .get(&side.vpc_id)
            .is_some_and(|vpc| vpc.dns_hostnames && vpc.dns_support);
        if wanted && !hostnames {
            let text = format!("DNS hostnames are not enabled for VPC {}", side.vpc_id);
            return Err(Error::new(
                "InvalidVpcPeeringConnectionState.DnsHostnamesDisabled",
                text,
            ));
        }
    }
    change(context, &peering.id, |peering| {
        peering.requester.allow_dns = requester.unwrap_or(peering.requester.allow_dns);
        peering.accepter.allow_dns = accepter.unwrap_or(peering.accepter.allow_dns);
    });
    let option =
        |name, wanted: Option<bool>| wanted.map(|wanted| tree(name, options_nodes(wanted)));
    let nodes = [
        option("requesterPeeringConnectionOptions", requester),
        option("accepterPeeringConnectionOptions", accepter),
    ];
    Ok(nodes.into_iter().flatten().collect())
}

fn change(context: &mut Context<'_>, id: &str, how: impl FnOnce(&mut Peering)) {
    if let Some(peering) = context.state.peerings.get_mut(id) {
        how(peering);
    }
}

/// The peering a call names, if the caller sees it.
fn find<'a>(context: &'a Context<'_>, query: &Query) -> Result<&'a Peering, Error> {
    let id = required_id(query, "VpcPeeringConnectionId", Kind::Peering)?;
    let peering = context
        .state
        .peerings
        .get(id)
        .filter(|peering| is_seen(peering, &context.view()));
    peering.ok_or_else(|| error::not_found(Kind::Peering, id))
}

/// The pending peering that a call accepts or rejects; the accepter who asks in the requester's region is told where to.
fn find_pending(
    context: &Context<'_>,
    query: &Query,
    what: &str,
    to: &str,
) -> Result<Peering, Error> {
    let id = required_id(query, "VpcPeeringConnectionId", Kind::Peering)?;
    let sees = |peering: &&Peering| {
        let (caller, accepter) = (context.caller, &peering.accepter.owner);
        let is_astray =
            caller.account == accepter.account && caller.region == peering.requester.owner.region;
        let caller = if is_astray { accepter } else { caller };
        is_seen(
            peering,
            &View {
                caller,
                ..context.view()
            },
        )
    };
    let peering = context
        .state
        .peerings
        .get(id)
        .filter(sees)
        .ok_or_else(|| error::not_found(Kind::Peering, id))?;
    check_accepter(context.caller, peering, what)?;
    check_pending(peering, to)?;
    Ok(peering.clone())
}

fn check_accepter(caller: &Caller, peering: &Peering, what: &str) -> Result<(), Error> {
    let accepter = &peering.accepter.owner;
    if accepter == caller {
        return Ok(());
    }
    if accepter.account == caller.account {
        return Err(error::not_permitted(format!(
            "Incorrect region ({}) specified for this request. VPC peering connection {} must be {what}ed in region {}",
            caller.region, peering.id, accepter.region
        )));
    }
    Err(error::not_permitted(format!(
        "User {} cannot {what} peering {}",
        caller.account, peering.id
    )))
}

fn check_pending(peering: &Peering, to: &str) -> Result<(), Error> {
    match peering.status.code {
        Code::PendingAcceptance => Ok(()),
        ref code => Err(error::transition(&peering.id, code.as_str(), to)),
    }
}
