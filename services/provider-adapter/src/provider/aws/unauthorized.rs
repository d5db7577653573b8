//! What a refusal of the vendor's credentials is told as. It is shown to those who wait for a peering, so it names
//! what is missing, and neither sessions nor AWS's encoded reasons, which run to kilobytes.

use super::error::shortened;

/// The call by which a role is assumed.
pub(super) const ASSUME_ROLE: &str = "AssumeRole";

/// The sentence for `code`, which answered `api` in the vendor's `account`; `said`: the cloud's own.
pub(super) fn message(account: &str, api: &str, code: &str, said: &str) -> String {
    match code {
        "UnauthorizedOperation" | "AccessDenied" | "AccessDeniedException" => {
            lacks(account, api, code, said)
        }
        _ => {
            let said = shortened(said.lines().next().unwrap_or_default());
            format!(
                "{api}: AWS refuses the vendor's credentials for account {account}: {said} ({code})"
            )
        }
    }
}

fn lacks(account: &str, api: &str, code: &str, said: &str) -> String {
    if api == ASSUME_ROLE {
        return format!(
            "the vendor's credentials may not assume the role in account {account}: they lack sts:AssumeRole, or the \
             role's trust policy does not admit them or their external id ({code})"
        );
    }
    let permission = named(said).map_or_else(|| permission_of(api), str::to_owned);
    if said.contains("with an explicit deny") {
        format!(
            "a policy denies {permission} to the vendor's credentials in account {account} ({code})"
        )
    } else {
        format!("the vendor's credentials lack {permission} in account {account} ({code})")
    }
}

/// The permission that the cloud names, be it another than the call's own: to tag what is made takes one, too.
fn named(said: &str) -> Option<&str> {
    let (_, rest) = said.split_once("is not authorized to perform: ")?;
    let end = rest
        .find(|c: char| !c.is_ascii_alphanumeric() && !matches!(c, ':' | '-'))
        .unwrap_or(rest.len());
    let permission = &rest[..end];
    let (service, action) = permission.split_once(':')?;
    (!service.is_empty() && !action.is_empty()).then_some(permission)
}

fn permission_of(api: &str) -> String {
    let service = match api {
        "GetCallerIdentity" => "sts",
        _ => "ec2",
    };
    format!("{service}:{api}")
}

#[cfg(test)]
mod tests {
    use super::*;

    const ACCOUNT: &str = "111122223333";
    const CREATE: &str = "CreateVpcPeeringConnection";

    #[test]
    fn a_missing_permission_is_named_and_nothing_else() {
        let said = "You are not authorized to perform this operation. User: arn:aws:sts::111122223333:assumed-role/p/s \
                    is not authorized to perform: ec2:CreateTags on resource: arn:aws:ec2:eu-west-1:111122223333:* \
                    because no identity-based policy allows the ec2:CreateTags action. Encoded authorization failure \
                    message: aaaaaaaaaaaaaaaaaaaa";
        assert_eq!(
            message(ACCOUNT, CREATE, "UnauthorizedOperation", said),
            "the vendor's credentials lack ec2:CreateTags in account 111122223333 (UnauthorizedOperation)"
        );
        let denied = said.replace(
            "because no",
            "with an explicit deny in a service control policy; no",
        );
        assert_eq!(
            message(ACCOUNT, CREATE, "UnauthorizedOperation", &denied),
            "a policy denies ec2:CreateTags to the vendor's credentials in account 111122223333 (UnauthorizedOperation)"
        );
    }

    #[test]
    fn without_the_cloud_s_word_it_is_the_call_s_own_permission() {
        for said in [
            "You are not authorized to perform this operation.",
            "is not authorized to perform: <b>",
            "is not authorized to perform: ec2:",
            "",
        ] {
            assert_eq!(
                message(ACCOUNT, CREATE, "UnauthorizedOperation", said),
                "the vendor's credentials lack ec2:CreateVpcPeeringConnection in account 111122223333 \
                 (UnauthorizedOperation)"
            );
        }
        let sts = message(ACCOUNT, "GetCallerIdentity", "AccessDenied", "no");
        assert!(sts.contains("lack sts:GetCallerIdentity"), "{sts}");
    }

    #[test]
    fn a_role_that_may_not_be_assumed_is_told_without_its_session() {
        let said = "User: arn:aws:iam::999999999999:user/x is not authorized to perform: sts:AssumeRole on resource: \
                    arn:aws:iam::111122223333:role/peerway";
        let message = message(ACCOUNT, ASSUME_ROLE, "AccessDenied", said);
        assert!(message.contains("trust policy") && message.contains(ACCOUNT));
        assert!(!message.contains("arn:"), "{message}");
    }

    #[test]
    fn refused_keys_are_told_in_the_cloud_s_first_line() {
        let said =
            "The request signature we calculated does not match.\n\nThe canonical string is\nPOST";
        assert_eq!(
            message(ACCOUNT, "DescribeVpcs", "SignatureDoesNotMatch", said),
            "DescribeVpcs: AWS refuses the vendor's credentials for account 111122223333: The request signature we \
             calculated does not match. (SignatureDoesNotMatch)"
        );
    }
}
