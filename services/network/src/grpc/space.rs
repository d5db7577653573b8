//! Whether a range is usable, which are free, and where networks can be.

use api::network::v1::check_cidr_response::{self as answer, finding};
use api::network::v1::list_regions_response::{Region as Choice, region::Range};
use api::network::v1::{
    self as proto, CheckCidrRequest, CheckCidrResponse, ListRegionsRequest, ListRegionsResponse,
};
use runtime::caller::Caller;
use runtime::status::Violations;
use tonic::Status;
use types::{Cidr, ProviderKind, Region, TenantId};

use super::create::group;
use super::networks::unread;
use super::{Api, convert};
use crate::domain::{self, Catalog, CidrRules, Finding, NamedRange, Severity};

/// How many findings of one severity are told.
pub(super) const MOST_FINDINGS: usize = 20;
/// How many free blocks are suggested.
const MOST_SUGGESTIONS: usize = 5;

/// Where a network is to be.
pub(super) struct Place<'a> {
    pub(super) provider: ProviderKind,
    pub(super) region: &'a Region,
    pub(super) rules: &'a CidrRules,
}

/// What is asked about a tenant's address space.
struct Question<'a> {
    tenant: TenantId,
    rules: &'a CidrRules,
    group: String,
    /// The range; none: only blocks are asked for. Err: it is not written as one, though it can be told which one is
    /// meant.
    cidr: Option<Result<Cidr, Misspelt>>,
    prefix_length: Option<u8>,
}

/// A range with host bits.
struct Misspelt {
    finding: Finding,
    meant: Option<Cidr>,
}

impl Api {
    pub(super) async fn check_cidr(
        &self,
        _: Caller,
        request: CheckCidrRequest,
    ) -> Result<CheckCidrResponse, Status> {
        let question = question(&request, &self.catalog)?;
        let (tenant, rules) = (&question.tenant, question.rules);
        let (found, near) = match question.cidr {
            None => (Vec::new(), None),
            Some(Err(misspelt)) => (vec![misspelt.finding], misspelt.meant),
            Some(Ok(cidr)) => {
                let group = question.group.as_str();
                let claims = self.store.claims_in_the_way(tenant, cidr, group).await?;
                let mut found = rules.findings(cidr);
                found.extend(domain::overlaps(cidr, group, &claims));
                (found, Some(cidr))
            }
        };
        let usable = found.iter().all(|one| one.severity == Severity::Warning);
        let size = match (question.prefix_length, near) {
            (Some(size), _) => Some(size),
            (None, Some(near)) if !usable => {
                let sizes = rules.shortest_prefix..=rules.longest_prefix;
                Some(near.prefix_len().clamp(*sizes.start(), *sizes.end()))
            }
            (None, _) => None,
        };
        let suggestions = match size {
            None => Vec::new(),
            Some(size) => {
                let most = MOST_SUGGESTIONS;
                self.store
                    .free_blocks(tenant, rules, size, near, most)
                    .await?
            }
        };
        Ok(CheckCidrResponse {
            usable,
            findings: findings(&found),
            suggestions: suggestions.iter().map(Cidr::to_string).collect(),
        })
    }

    pub(super) async fn list_regions(
        &self,
        _: Caller,
        request: ListRegionsRequest,
    ) -> Result<ListRegionsResponse, Status> {
        let mut violations = Violations::new();
        violations.check("tenant_id", request.tenant_id.parse::<TenantId>());
        let wanted = match request.provider {
            0 => None,
            given => violations.check("provider", convert::provider(given)),
        };
        violations.finish()?;
        let offers = self.catalog.0.iter();
        let regions = offers
            .filter(|(provider, _)| wanted.is_none_or(|wanted| wanted == **provider))
            .flat_map(|(provider, offer)| {
                let regions = offer.0.iter();
                regions.map(|(region, rules)| choice(*provider, region, rules))
            });
        Ok(ListRegionsResponse {
            regions: regions.collect(),
        })
    }
}

/// Where a network is to be, if networks can be there.
pub(super) fn place<'a>(
    violations: &mut Violations,
    catalog: &'a Catalog,
    provider: i32,
    region: &str,
) -> Option<Place<'a>> {
    let provider = violations.check("provider", convert::provider(provider));
    let offer = provider.and_then(|provider| violations.check("provider", catalog.offer(provider)));
    let Some(offer) = offer else {
        violations.check("region", region.parse::<Region>());
        return None;
    };
    let (region, rules) = violations.check("region", offer.region(region))?;
    Some(Place {
        provider: provider?,
        region,
        rules,
    })
}

fn question<'a>(request: &CheckCidrRequest, catalog: &'a Catalog) -> Result<Question<'a>, Status> {
    let mut violations = Violations::new();
    let tenant = violations.check("tenant_id", request.tenant_id.parse::<TenantId>());
    let group = violations.check(
        "multi_region_group",
        group(request.multi_region_group.clone()),
    );
    let place = place(&mut violations, catalog, request.provider, &request.region);
    let rules = place.map(|place| place.rules);
    let size = match request.prefix_length {
        0 => None,
        given => rules.and_then(|rules| violations.check("prefix_length", rules.size(given))),
    };
    if request.cidr.is_empty() && request.prefix_length == 0 {
        let rule = "must be set, such as 10.20.0.0/16, or prefix_length instead";
        violations.add("cidr", "INVALID_FIELD", rule);
    }
    let cidr = match request.cidr.as_str() {
        "" => None,
        given => match given.parse::<Cidr>() {
            Err(broken) if broken.reason == "CIDR_HOST_BITS" => Some(Err(Misspelt {
                finding: Finding::ill_formed(given, broken),
                meant: meant(given),
            })),
            parsed => violations.check("cidr", parsed).map(Ok),
        },
    };
    violations.finish()?;
    let (Some(tenant), Some(group), Some(rules)) = (tenant, group, rules) else {
        return Err(unread());
    };
    Ok(Question {
        tenant,
        rules,
        group,
        cidr,
        prefix_length: size,
    })
}

/// The range that one with host bits lies in.
fn meant(given: &str) -> Option<Cidr> {
    let (address, prefix_len) = given.split_once('/')?;
    Some(Cidr::around(
        address.parse().ok()?,
        prefix_len.parse().ok()?,
    ))
}

/// Findings as callers see them: errors first, and not endlessly many.
pub(super) fn findings(found: &[Finding]) -> Vec<answer::Finding> {
    let of = |severity: Severity| {
        let of = found.iter().filter(move |one| one.severity == severity);
        of.take(MOST_FINDINGS).map(finding)
    };
    of(Severity::Error).chain(of(Severity::Warning)).collect()
}

fn finding(found: &Finding) -> answer::Finding {
    let severity = match found.severity {
        Severity::Error => finding::Severity::Error,
        Severity::Warning => finding::Severity::Warning,
    };
    let other_cidr = found.other_cidr.map(|other| other.to_string());
    answer::Finding {
        severity: severity.into(),
        reason: found.reason.to_owned(),
        message: found.message.clone(),
        cidr: found.cidr.clone(),
        other_cidr: other_cidr.unwrap_or_default(),
        other_id: found.other_id.clone(),
        owner: found.owner.clone(),
        other_owner: found.other_owner.clone(),
    }
}

/// What forbids a claim, each pair of ranges in each other's way by itself.
pub(super) fn objection(refused: domain::Error) -> Vec<answer::Finding> {
    if let domain::Error::Overlap(pairs) = refused {
        let pairs = pairs.into_iter().map(|pair| answer::Finding {
            severity: finding::Severity::Error.into(),
            reason: pair.reason.to_owned(),
            message: pair.sentence(),
            cidr: pair.cidr.to_string(),
            other_cidr: pair.other_cidr.to_string(),
            other_id: pair.other_id,
            owner: pair.owner,
            other_owner: pair.other_owner,
        });
        return pairs.collect();
    }
    let message = refused.to_string();
    let status = Status::from(refused);
    let found = answer::Finding {
        severity: finding::Severity::Error.into(),
        reason: runtime::status::reason(&status).unwrap_or_default(),
        message,
        ..answer::Finding::default()
    };
    vec![found]
}

fn choice(provider: ProviderKind, region: &Region, rules: &CidrRules) -> Choice {
    let range = |range: &NamedRange| Range {
        cidr: range.cidr.to_string(),
        why: range.why.clone(),
    };
    Choice {
        provider: proto::Provider::from(provider).into(),
        name: region.to_string(),
        shortest_prefix: rules.shortest_prefix.into(),
        longest_prefix: rules.longest_prefix.into(),
        allowed_cidrs: rules.private.iter().map(Cidr::to_string).collect(),
        reserved: rules.reserved.iter().map(range).collect(),
        discouraged: rules.discouraged.iter().map(range).collect(),
    }
}
