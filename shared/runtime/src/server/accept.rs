//! Connections: how many there may be, and their end.

use std::collections::HashMap;
use std::io;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use futures::Stream;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};
use tonic::transport::server::{Connected, TcpConnectInfo};

use crate::config::ServerConfig;

/// Connections as they come in. One above a limit is closed at once; `cut` ends them all.
pub(super) fn incoming(
    listener: TcpListener,
    config: &ServerConfig,
    cut: CancellationToken,
) -> impl Stream<Item = io::Result<Connection>> {
    let seats = Arc::new(Seats {
        most: config.max_connections,
        most_per_address: config.max_connections_per_address,
        taken: Mutex::default(),
    });
    futures::stream::unfold(
        (listener, seats, cut),
        |(listener, seats, cut)| async move {
            loop {
                match listener.accept().await {
                    Ok((stream, peer)) => {
                        let Some(seat) = Seats::take(&seats, peer.ip()) else {
                            tracing::debug!(%peer, "too many connections");
                            continue;
                        };
                        // Err: the peer is gone already, which the first read tells.
                        stream.set_nodelay(true).ok();
                        let cut_off = Box::pin(cut.clone().cancelled_owned());
                        let connection = Connection {
                            stream,
                            cut_off,
                            _seat: seat,
                        };
                        return Some((Ok(connection), (listener, seats, cut)));
                    }
                    Err(error) => {
                        // Out of file descriptors, mostly: at once again would only burn the processor.
                        tracing::warn!(%error, "a connection could not be taken");
                        tokio::time::sleep(Duration::from_millis(50)).await;
                    }
                }
            }
        },
    )
}

/// Counts connections, in all and by address.
struct Seats {
    most: usize,
    most_per_address: usize,
    taken: Mutex<HashMap<IpAddr, usize>>,
}

/// One counted connection, until it is dropped.
struct Seat {
    seats: Arc<Seats>,
    address: IpAddr,
}

impl Seats {
    fn take(seats: &Arc<Self>, address: IpAddr) -> Option<Seat> {
        let mut taken = seats.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let all: usize = taken.values().sum();
        let here = taken.get(&address).copied().unwrap_or_default();
        if all >= seats.most || here >= seats.most_per_address {
            return None;
        }
        taken.insert(address, here + 1);
        Some(Seat {
            seats: seats.clone(),
            address,
        })
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut taken = self
            .seats
            .taken
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = taken.get_mut(&self.address) {
            *count -= 1;
            if *count == 0 {
                taken.remove(&self.address);
            }
        }
    }
}

/// A TCP connection that holds its seat and can be cut off from our side.
pub(super) struct Connection {
    stream: TcpStream,
    cut_off: Pin<Box<WaitForCancellationFutureOwned>>,
    _seat: Seat,
}

impl Connected for Connection {
    type ConnectInfo = TcpConnectInfo;

    fn connect_info(&self) -> TcpConnectInfo {
        self.stream.connect_info()
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        // HTTP/2 always reads, so a cut is noticed here at once.
        if self.cut_off.as_mut().poll(context).is_ready() {
            return Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into()));
        }
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}
