//! Listings, page by page.

use std::future::Future;

use api::cloud::CloudError;
use futures::stream::{self, BoxStream};
use futures::{FutureExt, StreamExt, TryStreamExt};

/// What the items of one page may weigh in a listing that is read whole. A unit stands for some twenty bytes of an
/// answer.
const MOST_WEIGHT: usize = 20_000;

/// A listing, page by page. It ends after the complete page or after the first error.
pub type Pages<T> = BoxStream<'static, Result<Page<T>, CloudError>>;

/// A part of a listing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<T> {
    /// What it shows.
    pub items: Vec<T>,
    /// It is the last one, and nothing was missed.
    pub complete: bool,
}

impl<T> Page<T> {
    /// What a listing shows, in pages whose items together weigh `most` at most, unless one alone does not. The last of
    /// them, and there is always one, is `complete`.
    pub(super) fn cut(
        items: Vec<T>,
        complete: bool,
        most: usize,
        weight: impl Fn(&T) -> usize,
    ) -> Vec<Self> {
        let (mut pages, mut page, mut held) = (Vec::new(), Vec::new(), 0);
        for item in items {
            let weight = weight(&item);
            if held + weight > most && !page.is_empty() {
                pages.push(Self {
                    items: std::mem::take(&mut page),
                    complete: false,
                });
                held = 0;
            }
            held += weight;
            page.push(item);
        }
        pages.push(Self {
            items: page,
            complete,
        });
        pages
    }
}

impl<T: Send + 'static> Page<T> {
    /// A listing that is read whole or not at all, in pages.
    pub(super) fn of(
        look: impl Future<Output = Result<Vec<T>, CloudError>> + Send + 'static,
        weight: impl Fn(&T) -> usize + Send + 'static,
    ) -> Pages<T> {
        let pages = look.map(move |seen| Ok(Self::cut(seen?, true, MOST_WEIGHT, weight)));
        pages
            .into_stream()
            .map_ok(|pages| stream::iter(pages.into_iter().map(Ok)))
            .try_flatten()
            .boxed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_listing_is_spread_over_pages_of_which_only_the_last_is_complete() {
        let shape = |items: Vec<usize>| {
            let pages = Page::cut(items, true, 10, |weight| *weight);
            let shape = pages.into_iter().map(|page| (page.items, page.complete));
            shape.collect::<Vec<_>>()
        };
        assert_eq!(shape(vec![]), [(vec![], true)]);
        assert_eq!(shape(vec![5, 5]), [(vec![5, 5], true)]);
        assert_eq!(shape(vec![5, 6, 4]), [(vec![5], false), (vec![6, 4], true)]);
        assert_eq!(shape(vec![99, 1]), [(vec![99], false), (vec![1], true)]);
    }

    #[test]
    fn the_pages_of_a_listing_that_goes_on_are_not_complete() {
        assert!(
            Page::cut(vec![1], false, 10, |_| 1)
                .iter()
                .all(|page| !page.complete)
        );
    }
}
