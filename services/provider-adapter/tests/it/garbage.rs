//! Answers that are whole HTTP and wrong all the same: none may pass for a listing.

use api::cloud::CloudErrorKind;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::support::*;

/// A cloud that answers everything with 200 and these bytes.
async fn parrot(body: String) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            let body = body.clone();
            tokio::spawn(async move {
                let mut request = vec![0; 64 * 1024];
                while socket.read(&mut request).await.is_ok_and(|read| read > 0) {
                    let length = body.len();
                    let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n");
                    socket.write_all(head.as_bytes()).await.ok();
                    socket.write_all(body.as_bytes()).await.ok();
                }
            });
        }
    });
    url
}

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
        let url = parrot(body).await;
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
    let url = parrot(listing(&set(&[item("pcx-1", VENDOR, ACTIVE), stranger]))).await;
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
