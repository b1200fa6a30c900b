//! Just so much of HTTP as clients of the AWS SDKs speak: a POST with a length, on a connection that stays open.

use std::io::{Error, ErrorKind, Result};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Far above any request of RDS's.
const LARGEST: usize = 1 << 20;

/// A request.
#[derive(Debug)]
pub(super) struct Post {
    /// Its content.
    pub(super) body: Vec<u8>,
    /// Who signed it, by the id of the access key.
    pub(super) access_key: Option<String>,
    /// The port that it came from.
    pub(super) client_port: u16,
}

/// A client's connection.
#[derive(Debug)]
pub(super) struct Connection {
    stream: TcpStream,
    client_port: u16,
    read: Vec<u8>,
}

impl Connection {
    pub(super) fn new(stream: TcpStream, client_port: u16) -> Self {
        Self {
            stream,
            client_port,
            read: Vec::new(),
        }
    }

    /// The next request; none if the client is gone.
    pub(super) async fn next(&mut self) -> Result<Option<Post>> {
        loop {
            if let Some((post, length)) = parse(&self.read, self.client_port)? {
                self.read.drain(..length);
                return Ok(Some(post));
            }
            if self.read.len() > LARGEST {
                return Err(Error::new(ErrorKind::InvalidData, "the request is too large"));
            }
            if self.stream.read_buf(&mut self.read).await? == 0 {
                return Ok(None);
            }
        }
    }

    /// Answers a request.
    pub(super) async fn answer(&mut self, status: u16, id: &str, body: &str) -> Result<()> {
        let head = format!(
            "HTTP/1.1 {status} {}\r\ncontent-type: text/xml\r\nx-amzn-requestid: {id}\r\ncontent-length: {}\r\n\r\n",
            if status == 200 { "OK" } else { "Error" },
            body.len()
        );
        self.stream.write_all(format!("{head}{body}").as_bytes()).await?;
        self.stream.flush().await
    }
}

/// The first request among these bytes and how long it is, if it is there whole.
fn parse(bytes: &[u8], client_port: u16) -> Result<Option<(Post, usize)>> {
    let mut headers = [httparse::EMPTY_HEADER; 64];
    let mut request = httparse::Request::new(&mut headers);
    let parsed = request
        .parse(bytes)
        .map_err(|error| Error::new(ErrorKind::InvalidData, error))?;
    let httparse::Status::Complete(start) = parsed else {
        return Ok(None);
    };
    if request.method != Some("POST") {
        return Err(Error::new(ErrorKind::InvalidData, "not a POST"));
    }
    let header = |name: &str| {
        let header = request
            .headers
            .iter()
            .find(|header| header.name.eq_ignore_ascii_case(name))?;
        std::str::from_utf8(header.value).ok()
    };
    let length = header("content-length").and_then(|length| length.trim().parse::<usize>().ok());
    let length = length.ok_or_else(|| Error::new(ErrorKind::InvalidData, "no content-length"))?;
    let end = start.saturating_add(length);
    let Some(body) = bytes.get(start..end) else {
        return Ok(None);
    };
    let credential = header("authorization").and_then(|signed| signed.split_once("Credential="));
    let access_key = credential
        .and_then(|(_, rest)| rest.split_once('/'))
        .map(|(key, _)| key.to_owned());
    let post = Post {
        body: body.to_vec(),
        access_key,
        client_port,
    };
    Ok(Some((post, end)))
}
