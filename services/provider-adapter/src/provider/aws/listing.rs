//! Listings of EC2: page after page, none twice, and smaller ones where a page holds too much to be read.

use std::collections::HashSet;
use std::future::Future;

use super::client::Ec2;
use super::error::Failure;

/// A listing that is longer than this goes in a circle.
const MOST_PAGES: usize = 10_000;
/// The smallest page that EC2 gives.
const LEAST: i32 = 5;

/// Where a listing stands.
pub(super) struct Paging {
    api: &'static str,
    size: i32,
    token: Option<String>,
    tokens: HashSet<String>,
}

impl Paging {
    /// At its beginning, with `size` objects to a page.
    pub(super) fn new(api: &'static str, size: i32) -> Self {
        Self {
            api,
            size,
            token: None,
            tokens: HashSet::new(),
        }
    }

    /// At the beginning of another listing, with pages as large as this one's have become.
    pub(super) fn anew(&self) -> Self {
        Self::new(self.api, self.size)
    }

    /// The objects of the next page, and whether it is the last. `fetch` makes one call with the page's token and size,
    /// and answers its objects and the next token. A page that is too large to be read is asked for again at half the
    /// size, and so are those behind it.
    pub(super) async fn next<T, Fut>(
        &mut self,
        mut fetch: impl FnMut(Option<String>, i32) -> Fut,
    ) -> Result<(Vec<T>, bool), Failure>
    where
        Fut: Future<Output = Result<(Option<Vec<T>>, Option<String>), Failure>>,
    {
        let (items, next) = loop {
            match fetch(self.token.clone(), self.size).await {
                Err(failure) if failure.is_oversize() && self.size > LEAST => {
                    self.size = LEAST.max(self.size / 2);
                }
                answer => break answer?,
            }
        };
        let items = items.ok_or_else(|| Failure::unusable(self.api, "the answer lacks its set"))?;
        self.token = self.behind(next)?;
        Ok((items, self.token.is_none()))
    }

    /// The token of the page behind this one; none: this was the last.
    fn behind(&mut self, token: Option<String>) -> Result<Option<String>, Failure> {
        let Some(token) = token.filter(|token| !token.is_empty()) else {
            return Ok(None);
        };
        if self.tokens.len() >= MOST_PAGES || !self.tokens.insert(token.clone()) {
            let why = "the pages of the listing go in a circle";
            return Err(Failure::unusable(self.api, why));
        }
        Ok(Some(token))
    }
}

impl Ec2 {
    /// All objects of a listing; `fetch` as for [`Paging::next`].
    pub(super) async fn all<T, Fut>(
        &self,
        api: &'static str,
        size: i32,
        mut fetch: impl FnMut(Option<String>, i32) -> Fut,
    ) -> Result<Vec<T>, Failure>
    where
        Fut: Future<Output = Result<(Option<Vec<T>>, Option<String>), Failure>>,
    {
        let mut paging = Paging::new(api, size);
        let mut found = Vec::new();
        loop {
            let (items, last) = paging.next(&mut fetch).await?;
            found.extend(items);
            if last {
                return Ok(found);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::ready;

    use super::*;

    #[tokio::test]
    async fn a_token_that_comes_again_ends_the_listing_with_an_error() {
        let mut paging = Paging::new("DescribeVpcs", 1000);
        let mut turn = async |next: &str| {
            let next = Some(next.to_owned());
            let page = paging.next(|_, _| ready(Ok((Some(vec![1]), next.clone()))));
            page.await.map(|(_, last)| last)
        };
        assert!(!turn("a").await.unwrap());
        assert!(!turn("b").await.unwrap());
        assert!(turn("a").await.is_err());
        assert!(turn("").await.unwrap());
    }

    #[tokio::test]
    async fn a_listing_without_end_is_cut() {
        let mut paging = Paging::new("DescribeVpcs", 1000);
        let mut pages = 0;
        let ended = loop {
            let next = Some(format!("token-{pages}"));
            let page = paging.next(|_, _| ready(Ok((Some(vec![1]), next.clone()))));
            match page.await {
                Ok(_) => pages += 1,
                Err(failure) => break failure,
            }
        };
        assert_eq!(pages, MOST_PAGES);
        assert!(!ended.is_answer());
    }

    #[tokio::test]
    async fn a_page_that_is_too_large_is_asked_for_at_half_the_size_and_so_are_the_next() {
        let mut paging = Paging::new("DescribeVpcs", 1000);
        let mut sizes = Vec::new();
        for next in ["a", "b"] {
            let page = paging.next(|_, size| {
                sizes.push(size);
                ready(match size > 300 {
                    true => Err(Failure::oversize("DescribeVpcs")),
                    false => Ok((Some(vec![1]), Some(next.to_owned()))),
                })
            });
            assert!(page.await.is_ok());
        }
        assert_eq!(sizes, [1000, 500, 250, 250]);
    }

    #[tokio::test]
    async fn the_smallest_page_that_is_too_large_ends_the_listing_with_an_error() {
        let mut paging = Paging::new("DescribeVpcs", 40);
        let mut sizes = Vec::new();
        let page = paging.next::<i32, _>(|_, size| {
            sizes.push(size);
            ready(Err(Failure::oversize("DescribeVpcs")))
        });
        assert!(page.await.is_err());
        assert_eq!(sizes, [40, 20, 10, 5]);
    }
}
