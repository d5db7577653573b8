//! Logs to standard error and traces to a collector.
//!
//! Every call has a trace id, also where no collector is set or the trace is not sampled, since the
//! event log names it. A collector that is away costs its traces and nothing else.

use std::io::IsTerminal;
use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue};
use opentelemetry::propagation::{Extractor, Injector, TextMapPropagator};
use opentelemetry::trace::{SpanContext, TraceContextExt, TracerProvider};
use opentelemetry::{Context, KeyValue};
use opentelemetry_otlp::{SpanExporter, WithExportConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::{Sampler, SdkTracerProvider};
use tracing::Span;
use tracing::level_filters::LevelFilter;
use tracing_opentelemetry::OpenTelemetrySpanExt;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer};

use crate::config::{LogFormat, TelemetryConfig};

/// Why telemetry cannot be set up as the settings ask.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The filter cannot be read.
    #[error("telemetry.level: {0}")]
    Level(#[from] tracing_subscriber::filter::ParseError),
    /// A part of the filter is no level, and would silence everything as the name of a target.
    #[error(
        "telemetry.level: {0:?} is neither a level (off, error, warn, info, debug, trace) nor TARGET=LEVEL"
    )]
    Directive(String),
    /// The share is none.
    #[error("telemetry.sample_ratio must lie between 0 and 1, not {0}")]
    SampleRatio(f64),
    /// The collector's address is none.
    #[error("telemetry.otlp_endpoint: {0}")]
    Endpoint(#[from] opentelemetry_otlp::ExporterBuildError),
}

/// Sends what is left when it is dropped. Keep it until the end of `main`.
#[must_use]
#[derive(Debug)]
pub struct Guard(Option<SdkTracerProvider>);

impl Drop for Guard {
    fn drop(&mut self) {
        if let Some(provider) = &self.0 {
            // Err: the collector is away, which must not hold the process.
            provider.shutdown_with_timeout(Duration::from_secs(2)).ok();
        }
    }
}

/// Sets up logs and traces for the process; call it within the runtime. The first call wins: a later one,
/// as by the services inside standalone, changes nothing.
pub fn init(config: &TelemetryConfig, service: &'static str) -> Result<Guard, Error> {
    let mut directives = config.level.split(',').map(str::trim);
    let bare = |part: &&str| !part.contains('=') && part.parse::<LevelFilter>().is_err();
    if let Some(unknown) = directives.find(bare) {
        return Err(Error::Directive(unknown.to_owned()));
    }
    let filter = EnvFilter::try_new(&config.level)?;
    if !(0.0..=1.0).contains(&config.sample_ratio) {
        return Err(Error::SampleRatio(config.sample_ratio));
    }
    if tracing::dispatcher::has_been_set() {
        return Ok(Guard(None));
    }
    let provider = provider(config, service)?;
    // Levels below INFO carry the libraries' own spans; a filter for logs must not cut traces.
    let traces = tracing_opentelemetry::layer()
        .with_tracer(provider.tracer("peerway"))
        .with_filter(LevelFilter::INFO);
    let logs = match config.format {
        LogFormat::Human => tracing_subscriber::fmt::layer()
            .with_ansi(std::io::stderr().is_terminal())
            .with_writer(std::io::stderr)
            .with_filter(filter)
            .boxed(),
        LogFormat::Json => tracing_subscriber::fmt::layer()
            .json()
            .flatten_event(true)
            .with_span_list(false)
            .with_writer(std::io::stderr)
            .with_filter(filter)
            .boxed(),
    };
    match tracing_subscriber::registry()
        .with(traces)
        .with(logs)
        .try_init()
    {
        Ok(()) => Ok(Guard(Some(provider))),
        Err(_) => Ok(Guard(None)),
    }
}

fn provider(config: &TelemetryConfig, service: &'static str) -> Result<SdkTracerProvider, Error> {
    let resource = Resource::builder()
        .with_service_name(service)
        .with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")))
        .build();
    let provider = SdkTracerProvider::builder().with_resource(resource);
    let Some(endpoint) = &config.otlp_endpoint else {
        // A caller's decision goes on to the services behind this one.
        let sampler = Sampler::ParentBased(Box::new(Sampler::AlwaysOff));
        return Ok(provider.with_sampler(sampler).build());
    };
    let exporter = SpanExporter::builder()
        .with_tonic()
        .with_endpoint(endpoint)
        .build()?;
    let sampler = Sampler::ParentBased(Box::new(Sampler::TraceIdRatioBased(config.sample_ratio)));
    Ok(provider
        .with_sampler(sampler)
        .with_batch_exporter(exporter)
        .build())
}

/// W3C `traceparent` of the current span, to be kept on the row whose intent the call changes.
pub fn traceparent() -> Option<String> {
    traceparent_of(&Span::current())
}

pub(crate) fn traceparent_of(span: &Span) -> Option<String> {
    let context = span.context().span().span_context().clone();
    context.is_valid().then(|| {
        let flags = context.trace_flags().to_u8();
        format!(
            "00-{}-{}-{flags:02x}",
            context.trace_id(),
            context.span_id()
        )
    })
}

/// The current trace: 32 hexadecimal digits, or empty outside of every trace.
pub fn trace_id() -> String {
    let context = Span::current().context().span().span_context().clone();
    if context.is_valid() {
        context.trace_id().to_string()
    } else {
        String::new()
    }
}

/// Links the current span to the call whose `traceparent` a row kept. One that cannot be read is ignored.
pub fn link_to(traceparent: &str) {
    Span::current().add_link(parse(traceparent));
}

fn parse(traceparent: &str) -> SpanContext {
    let mut headers = HeaderMap::new();
    if let Ok(value) = HeaderValue::from_str(traceparent) {
        headers.insert("traceparent", value);
    }
    extract(&headers).span().span_context().clone()
}

/// The caller's trace context, out of the headers of its call.
pub(crate) fn extract(headers: &HeaderMap) -> Context {
    TraceContextPropagator::new().extract(&Read(headers))
}

/// Puts the context of `span` into the headers of a call.
pub(crate) fn inject(span: &Span, headers: &mut HeaderMap) {
    TraceContextPropagator::new().inject_context(&span.context(), &mut Write(headers));
}

struct Read<'a>(&'a HeaderMap);

impl Extractor for Read<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key)?.to_str().ok()
    }

    fn keys(&self) -> Vec<&str> {
        self.0.keys().map(HeaderName::as_str).collect()
    }
}

struct Write<'a>(&'a mut HeaderMap);

impl Injector for Write<'_> {
    fn set(&mut self, key: &str, value: String) {
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(key), HeaderValue::try_from(value)) {
            self.0.insert(name, value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kept_traceparent_is_read_back_as_the_same_span() {
        let context = parse("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01");
        assert_eq!(
            context.trace_id().to_string(),
            "4bf92f3577b34da6a3ce929d0e0e4736"
        );
        assert_eq!(context.span_id().to_string(), "00f067aa0ba902b7");
        assert!(context.is_sampled());
    }

    #[test]
    fn nonsense_links_to_nothing() {
        for nonsense in ["", "00-zz-zz-01", "not a traceparent\n"] {
            assert!(!parse(nonsense).is_valid());
        }
    }
}
