//! A cloud that says the same to everybody, but for who they are.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::support::VENDOR;

/// What is answered: an HTTP status and a body each.
#[derive(Clone)]
pub(crate) struct Parrot {
    ec2: (u16, String),
    sts: (u16, String),
    /// Answers to requests that contain these words.
    more: Vec<(&'static str, u16, String)>,
}

impl Parrot {
    /// Answers EC2's calls with 200 and `body`, and names the vendor's account.
    pub(crate) fn new(body: String) -> Self {
        let identity = format!(
            "<GetCallerIdentityResponse><GetCallerIdentityResult><Account>{VENDOR}</Account>\
             </GetCallerIdentityResult></GetCallerIdentityResponse>"
        );
        Self {
            ec2: (200, body),
            sts: (200, identity),
            more: Vec::new(),
        }
    }

    /// With another HTTP status of EC2's answers.
    pub(crate) fn with_status(mut self, status: u16) -> Self {
        self.ec2.0 = status;
        self
    }

    /// With another answer to requests that contain `words`; the first that fits is given.
    pub(crate) fn with_answer(mut self, words: &'static str, status: u16, body: String) -> Self {
        self.more.push((words, status, body));
        self
    }

    /// With another answer to GetCallerIdentity.
    pub(crate) fn with_identity(mut self, status: u16, body: String) -> Self {
        self.sts = (status, body);
        self
    }

    /// The URL of it.
    pub(crate) async fn start(self) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                tokio::spawn(self.clone().talk(socket));
            }
        });
        url
    }

    async fn talk(self, mut socket: TcpStream) {
        while let Some(request) = request(&mut socket).await {
            let asks_who = request.contains("Action=GetCallerIdentity");
            let mut more = self.more.iter();
            let other = more.find(|(words, ..)| request.contains(words));
            let (status, body) = match other {
                Some((_, status, body)) => (status, body),
                None if asks_who => (&self.sts.0, &self.sts.1),
                None => (&self.ec2.0, &self.ec2.1),
            };
            let length = body.len();
            let head = format!("HTTP/1.1 {status} X\r\ncontent-length: {length}\r\n\r\n");
            socket.write_all(head.as_bytes()).await.ok();
            socket.write_all(body.as_bytes()).await.ok();
        }
    }
}

/// The next request, head and body; none when the connection has ended.
async fn request(socket: &mut TcpStream) -> Option<String> {
    let mut bytes = Vec::new();
    loop {
        if socket.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
        let text = String::from_utf8_lossy(&bytes);
        let Some((head, body)) = text.split_once("\r\n\r\n") else {
            continue;
        };
        let length = head.lines().find_map(|line| {
            let (name, value) = line.split_once(':')?;
            let is_length = name.eq_ignore_ascii_case("content-length");
            is_length.then(|| value.trim().parse::<usize>().ok())?
        });
        if body.len() >= length.unwrap_or_default() {
            return Some(text.into_owned());
        }
    }
}
