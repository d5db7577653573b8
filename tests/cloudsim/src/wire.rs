//! Connections that can be made to break: after so many more bytes, every write fails.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::extract::connect_info::Connected;
use axum::serve::{IncomingStream, Listener};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};

const ENDLESS: usize = usize::MAX;

/// What may still be written to one connection.
#[derive(Clone, Debug)]
pub(crate) struct Wire(Arc<AtomicUsize>);

impl Wire {
    /// Lets `bytes` more out, then breaks.
    pub(crate) fn break_after(&self, bytes: usize) {
        self.0.store(bytes, Ordering::SeqCst);
    }

    fn allowed(&self, wanted: usize) -> io::Result<usize> {
        match self.0.load(Ordering::SeqCst) {
            ENDLESS => Ok(wanted),
            0 => Err(io::ErrorKind::ConnectionReset.into()),
            left => Ok(left.min(wanted)),
        }
    }

    fn written(&self, bytes: usize) {
        let left = self.0.load(Ordering::SeqCst);
        if left != ENDLESS {
            self.0.store(left.saturating_sub(bytes), Ordering::SeqCst);
        }
    }
}

impl Connected<IncomingStream<'_, BreakableListener>> for Wire {
    fn connect_info(stream: IncomingStream<'_, BreakableListener>) -> Self {
        stream.remote_addr().clone()
    }
}

/// Accepts breakable connections; the address of the peer is what breaks it.
pub(crate) struct BreakableListener(pub(crate) TcpListener);

impl Listener for BreakableListener {
    type Io = BreakableStream;
    type Addr = Wire;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        loop {
            match self.0.accept().await {
                Ok((stream, _)) => {
                    let _ = stream.set_nodelay(true);
                    let wire = Wire(Arc::new(AtomicUsize::new(ENDLESS)));
                    return (BreakableStream(stream, wire.clone()), wire);
                }
                Err(error) => {
                    tracing::warn!(%error, "cannot accept a connection");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            }
        }
    }

    fn local_addr(&self) -> io::Result<Self::Addr> {
        let _: SocketAddr = self.0.local_addr()?;
        Ok(Wire(Arc::new(AtomicUsize::new(ENDLESS))))
    }
}

pub(crate) struct BreakableStream(TcpStream, Wire);

impl AsyncRead for BreakableStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buf)
    }
}

impl AsyncWrite for BreakableStream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let allowed = self.1.allowed(buf.len())?;
        let written = Pin::new(&mut self.0).poll_write(cx, &buf[..allowed]);
        if let Poll::Ready(Ok(bytes)) = &written {
            self.1.written(*bytes);
        }
        written
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}
