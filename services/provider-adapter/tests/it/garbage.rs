//! Answers that are whole HTTP and wrong all the same: none may pass for a listing.

use api::cloud::CloudErrorKind;
use types::PeeringId;

use crate::parrot::Parrot;
use crate::support::*;

fn listing(inside: &str) -> String {
    format!(
        "<DescribeVpcPeeringConnectionsResponse xmlns=\"http://ec2.amazonaws.com/doc/2016-11-15/\">\
         <requestId>1</requestId>{inside}</DescribeVpcPeeringConnectionsResponse>"
    )
}

fn item(id: &str, owner: &str, status: &str) -> String {
    format!(
        "<item><vpcPeeringConnectionId>{id}</vpcPeeringConnectionId>\
         <requesterVpcInfo><ownerId>{owner}</ownerId><vpcId>vpc-1</vpcId></requesterVpcInfo>{status}</item>"
    )
}

const ACTIVE: &str = "<status><code>active</code><message>Active</message></status>";

fn set(items: &[String]) -> String {
    format!(
        "<vpcPeeringConnectionSet>{}</vpcPeeringConnectionSet>",
        items.concat()
    )
}

#[tokio::test]
async fn answers_that_cannot_be_trusted_end_the_listing() {
    let whole = listing(&set(&[
        item("pcx-1", VENDOR, ACTIVE),
        item("pcx-2", VENDOR, ACTIVE),
    ]));
    let cut_between_items = whole.split_at(whole.find("<item>").unwrap()).0.to_owned();
    let cut_in_second = whole
        .split_at(whole.rfind("<status>").unwrap())
        .0
        .to_owned();
    let circle = listing(&format!("{}<nextToken>same</nextToken>", set(&[])));
    for (what, body) in [
        ("empty", String::new()),
        ("html", "<html><body>Please log in</body></html>".to_owned()),
        ("json", "{\"vpcPeeringConnectionSet\": []}".to_owned()),
        (
            "another call's answer",
            whole.replace("DescribeVpcPeeringConnections", "DescribeVpcs"),
        ),
        (
            "an error as 200",
            "<Response><Errors><Error><Code>X</Code></Error></Errors></Response>".to_owned(),
        ),
        ("cut between items", cut_between_items),
        ("cut in an item", cut_in_second),
        (
            "closed in the wrong place",
            whole.replace("</item></vpc", "</vpc"),
        ),
        ("no set", listing("")),
        ("no id", listing(&set(&[item("", VENDOR, ACTIVE)]))),
        (
            "no status",
            listing(&set(&[
                item("pcx-1", VENDOR, ""),
                item("pcx-2", VENDOR, ACTIVE),
            ])),
        ),
        (
            "entities",
            format!("<!DOCTYPE a [<!ENTITY b \"c\">]>{whole}"),
        ),
        (
            "nested too deep",
            listing(&("<a>".repeat(70) + &"</a>".repeat(70))),
        ),
        ("too large", listing(&"<a>0123456789</a>".repeat(600_000))),
        ("pages in a circle", circle),
    ] {
        let url = Parrot::new(body).start().await;
        let adapter = Adapter::start(&url, "", &[]).await;
        let (pages, error) = observe_pages(adapter.client.clone(), &[]).await;
        assert!(
            pages.iter().all(|page| page.0.is_empty() && !page.1),
            "{what}: {pages:?}"
        );
        let error = error.unwrap_or_else(|| panic!("{what} passed"));
        assert_eq!(error.kind, CloudErrorKind::Unavailable, "{what}: {error}");
    }
}

#[tokio::test]
async fn filters_are_applied_again_to_what_came_back() {
    let stranger = item("pcx-2", "999999999999", ACTIVE);
    let body = listing(&set(&[item("pcx-1", VENDOR, ACTIVE), stranger]));
    let url = Parrot::new(body).start().await;
    let adapter = Adapter::start(&url, "", &[]).await;
    let (pages, error) = observe_pages(adapter.client.clone(), &[]).await;
    assert!(error.is_none());
    let seen: Vec<_> = pages[0]
        .0
        .iter()
        .map(|one| one.provider_peering_id.as_str())
        .collect();
    assert_eq!(seen, ["pcx-1"]);
    let (pages, _) = observe_pages(adapter.client.clone(), &["pcx-3"]).await;
    assert!(pages[0].0.is_empty() && pages[0].1);
}

#[tokio::test]
async fn a_look_that_is_refused_is_not_the_end_of_what_was_asked() {
    let body = "<Response><Errors><Error><Code>InvalidParameterValue</Code><Message>no</Message></Error></Errors>\
                <RequestID>1</RequestID></Response>";
    let parrot = Parrot::new(body.to_owned()).with_status(400);
    let adapter = Adapter::start(&parrot.start().await, "", &[]).await;
    let (_, error) = observe_pages(adapter.client.clone(), &[]).await;
    let request = peering_request(PeeringId::generate(), 1, "vpc-00000001", "vpc-00000002");
    let ensured = adapter.client.clone().ensure_peering(request).await;
    for error in [error.unwrap(), cloud_error(ensured.unwrap_err())] {
        assert_eq!(
            (error.kind, error.reason.as_str(), error.refused),
            (CloudErrorKind::Unknown, "CLOUD_ERROR", true)
        );
        assert!(error.message.contains("InvalidParameterValue"), "{error}");
    }
}
