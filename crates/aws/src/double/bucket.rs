//! S3: one bucket with versions and conditional writes.

use std::collections::BTreeMap;

use data_encoding::HEXLOWER;
use sha2::{Digest, Sha256};

/// Versions of objects, oldest first.
#[derive(Debug, Default)]
pub(super) struct Bucket {
    objects: BTreeMap<String, Vec<(String, Vec<u8>)>>,
    versions: u64,
    in_between: Vec<(String, Vec<u8>)>,
}

/// A request to the bucket.
pub(super) struct Ask<'a> {
    pub(super) method: &'a str,
    pub(super) key: &'a str,
    pub(super) version: Option<&'a str>,
    pub(super) if_match: Option<&'a str>,
    pub(super) if_none_match: Option<&'a str>,
    pub(super) body: Vec<u8>,
}

/// What S3 answers: status, headers, body.
pub(super) type Answer = (u16, Vec<(&'static str, String)>, Vec<u8>);

impl Bucket {
    pub(super) fn put(&mut self, key: &str, bytes: Vec<u8>) -> (String, String) {
        self.versions += 1;
        let version = format!("version{}", self.versions);
        let tag = etag(&bytes);
        self.objects
            .entry(key.to_owned())
            .or_default()
            .push((version.clone(), bytes));
        (version, tag)
    }

    pub(super) fn put_in_between(&mut self, key: &str, bytes: Vec<u8>) {
        self.in_between.push((key.to_owned(), bytes));
    }

    pub(super) fn newest(&self, key: &str) -> Option<(&[u8], &str)> {
        let (version, bytes) = self.objects.get(key)?.last()?;
        Some((bytes, version))
    }

    pub(super) fn keys(&self) -> Vec<String> {
        self.objects.keys().cloned().collect()
    }

    pub(super) fn answer(&mut self, ask: Ask<'_>) -> Answer {
        match ask.method {
            "GET" => self.get(&ask),
            "PUT" => self.conditional_put(ask),
            _ => error(405, "MethodNotAllowed"),
        }
    }

    /// A page of two keys, so that whoever lists must go on.
    pub(super) fn list(&self, prefix: &str, after: Option<&str>) -> Answer {
        let all = self.objects.iter().filter(|(key, _)| key.starts_with(prefix));
        let mut rest = all.filter(|(key, _)| after.is_none_or(|after| key.as_str() > after));
        let page: Vec<_> = rest.by_ref().take(2).collect();
        let contents: String = page
            .iter()
            .map(|(key, versions)| {
                let size = versions.last().map_or(0, |(_, bytes)| bytes.len());
                format!("<Contents><Key>{key}</Key><Size>{size}</Size></Contents>")
            })
            .collect();
        let next = page.last().filter(|_| rest.next().is_some());
        let more = match next {
            Some((key, _)) => {
                format!("<IsTruncated>true</IsTruncated><NextContinuationToken>{key}</NextContinuationToken>")
            }
            None => "<IsTruncated>false</IsTruncated>".to_owned(),
        };
        let body = format!("<?xml version=\"1.0\"?><ListBucketResult>{contents}{more}</ListBucketResult>");
        (200, Vec::new(), body.into_bytes())
    }

    fn get(&self, ask: &Ask<'_>) -> Answer {
        let Some(versions) = self.objects.get(ask.key) else {
            return error(404, "NoSuchKey");
        };
        let found = match ask.version {
            Some(wanted) => versions.iter().find(|(version, _)| version == wanted),
            None => versions.last(),
        };
        match found {
            Some((version, bytes)) => (200, headers(version, etag(bytes)), bytes.clone()),
            None => error(404, "NoSuchVersion"),
        }
    }

    fn conditional_put(&mut self, ask: Ask<'_>) -> Answer {
        if let Some(at) = self.in_between.iter().position(|(key, _)| key == ask.key) {
            let (key, bytes) = self.in_between.remove(at);
            self.put(&key, bytes);
        }
        let there = self.newest(ask.key).map(|(bytes, _)| etag(bytes));
        if ask.if_none_match == Some("*") && there.is_some() {
            return error(412, "PreconditionFailed");
        }
        if let Some(wanted) = ask.if_match {
            match there {
                None => return error(404, "NoSuchKey"),
                Some(tag) if tag != wanted => return error(412, "PreconditionFailed"),
                Some(_) => {}
            }
        }
        let (version, tag) = self.put(ask.key, ask.body);
        (200, headers(&version, tag), Vec::new())
    }
}

fn etag(bytes: &[u8]) -> String {
    let digest = HEXLOWER.encode(&Sha256::digest(bytes));
    format!("\"{}\"", digest.split_at(32).0)
}

fn headers(version: &str, tag: String) -> Vec<(&'static str, String)> {
    vec![("x-amz-version-id", version.to_owned()), ("etag", tag)]
}

pub(super) fn error(status: u16, code: &str) -> Answer {
    let body = format!("<?xml version=\"1.0\"?><Error><Code>{code}</Code><Message>{code}</Message></Error>");
    (status, Vec::new(), body.into_bytes())
}
