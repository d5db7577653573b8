//! Looking at operations.

use serde_json::Value;

use crate::gce::list::List;
use crate::gce::network::within;
use crate::gce::{Context, Error, region, url};

/// The operation as it is now. Waiting for it is for whoever asks: it is answered at once.
pub(crate) fn get(context: &mut Context<'_>) -> Result<Value, Error> {
    let region = region_of(context)?;
    let path = url::operation(&context.call.project, region, context.param("operation"));
    let found = context
        .state
        .operations
        .get(&path)
        .filter(|one| one.is_seen());
    let one = found.ok_or_else(|| Error::not_found(&path))?;
    Ok(one.view(context.config, &context.call.base_url, context.now_ms))
}

pub(crate) fn list(context: &mut Context<'_>) -> Result<Value, Error> {
    let region = region_of(context)?;
    let collection = url::operation(&context.call.project, region, "");
    let collection = collection.trim_end_matches('/').to_owned();
    let all = within(&context.state.operations, &collection).into_iter();
    let seen = all.filter(|(_, (_, one))| one.is_seen());
    let list = List {
        kind: "compute#operationList",
        items: seen.collect(),
        path: collection,
    };
    let (config, base_url, now_ms) = (context.config, &context.call.base_url, context.now_ms);
    list.answer(context, |(_, one)| one.view(config, base_url, now_ms))
}

fn region_of<'a>(context: &'a Context<'_>) -> Result<Option<&'a str>, Error> {
    let region = context.call.path.get("region").map(String::as_str);
    region.map_or(Ok(()), region::check)?;
    Ok(region)
}
