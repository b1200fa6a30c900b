//! Which service a request is for, and what those besides S3 answer.

use std::collections::BTreeMap;

use aws_sdk_s3::primitives::SdkBody;
use http::{Request, Response};
use serde_json::{Map, Value, json};

use super::bucket::{self, Ask};
use super::{Aws, Sent, Service, Start, State};

impl Aws {
    pub(super) fn answer(&self, request: &Request<SdkBody>) -> Response<SdkBody> {
        let header = |name: &str| request.headers().get(name).and_then(|value| value.to_str().ok());
        let body = request.body().bytes().unwrap_or_default().to_vec();
        let mut state = self.state();
        let (status, headers, body) = match header("x-amz-target").map(|target| target.split_once('.').unwrap()) {
            Some((service, operation)) => state.json_service(service, operation, &body),
            None if request.method() == "POST" && request.uri().path() == "/" => state.query_service(&body),
            None => {
                let path = request.uri().path().trim_start_matches('/');
                let key = decode(path.split_once('/').unwrap_or_default().1);
                let query = pairs(request.uri().query().unwrap_or_default());
                let listed = query.get("prefix").filter(|_| query.contains_key("list-type"));
                if state.refused.contains(&Service::Storage) {
                    bucket::error(403, "AccessDenied")
                } else if let Some(prefix) = listed {
                    let after = query.get("continuation-token").map(String::as_str);
                    state.bucket.list(prefix, after)
                } else {
                    state.bucket.answer(Ask {
                        method: request.method().as_str(),
                        key: &key,
                        version: query.get("versionId").map(String::as_str),
                        if_match: header("if-match"),
                        if_none_match: header("if-none-match"),
                        body,
                    })
                }
            }
        };
        let mut response = Response::builder().status(status);
        for (name, value) in headers {
            response = response.header(name, value);
        }
        response
            .header("content-length", body.len())
            .body(SdkBody::from(body))
            .unwrap()
    }
}

impl State {
    fn json_service(&mut self, service: &str, operation: &str, body: &[u8]) -> bucket::Answer {
        let request: Value = serde_json::from_slice(body).unwrap();
        let answer = match (service, operation) {
            ("secretsmanager", "GetSecretValue") => self.get_secret(&request),
            ("AmazonSSM", "GetParametersByPath") => self.parameters(&request),
            ("AWSStepFunctions", "StartExecution") => self.start(&request),
            ("AWSStepFunctions", "DescribeExecution") => self.describe(&request),
            ("DynamoDB_20120810", "GetItem") => self.get_item(&request),
            ("DynamoDB_20120810", "Scan") => self.scan(),
            ("DynamoDB_20120810", "UpdateItem") => self.update_item(&request),
            other => panic!("the double does not know {other:?}"),
        };
        match answer {
            Ok(answer) => (200, Vec::new(), answer.to_string().into_bytes()),
            Err(code) => {
                let body = json!({"__type": code, "message": code}).to_string();
                (400, Vec::new(), body.into_bytes())
            }
        }
    }

    fn refuses(&self, service: Service) -> Result<(), &'static str> {
        if self.refused.contains(&service) {
            return Err("AccessDeniedException");
        }
        Ok(())
    }

    fn get_secret(&self, request: &Value) -> Result<Value, &'static str> {
        self.refuses(Service::Secrets)?;
        let arn = request["SecretId"].as_str().unwrap();
        let current = self.current.get(arn).ok_or("ResourceNotFoundException")?;
        let version = request["VersionId"].as_str().unwrap_or(current);
        let key = (arn.to_owned(), version.to_owned());
        let text = self.secrets.get(&key).ok_or("ResourceNotFoundException")?;
        Ok(json!({"ARN": arn, "VersionId": version, "SecretString": text}))
    }

    /// A page of two, so that whoever asks must go on.
    fn parameters(&self, request: &Value) -> Result<Value, &'static str> {
        self.refuses(Service::Parameters)?;
        let under = format!("{}/", request["Path"].as_str().unwrap());
        let after = request["NextToken"].as_str().unwrap_or_default();
        let all = self.parameters.iter().filter(|(name, _)| name.starts_with(&under));
        let mut rest = all.filter(|(name, _)| name.as_str() > after);
        let page: Vec<_> = rest.by_ref().take(2).collect();
        let last = page.last().map(|(name, _)| name.as_str());
        let parameters: Vec<_> = page
            .iter()
            .map(|(name, value)| json!({"Name": name, "Value": value}))
            .collect();
        let next = last.filter(|_| rest.next().is_some());
        Ok(json!({"Parameters": parameters, "NextToken": next}))
    }

    fn start(&mut self, request: &Value) -> Result<Value, &'static str> {
        self.refuses(Service::Workflow)?;
        let text = |name: &str| request[name].as_str().unwrap().to_owned();
        let name = text("name");
        if self.started.iter().any(|start| start.name == name) {
            return Err("ExecutionAlreadyExists");
        }
        let arn = format!(
            "{}:{name}",
            text("stateMachineArn").replace("stateMachine", "execution")
        );
        self.started.push(Start {
            machine: text("stateMachineArn"),
            name,
            input: serde_json::from_str(&text("input")).unwrap(),
        });
        Ok(json!({"executionArn": arn, "startDate": 1.0}))
    }

    fn describe(&self, request: &Value) -> Result<Value, &'static str> {
        self.refuses(Service::Workflow)?;
        let arn = request["executionArn"].as_str().unwrap();
        self.executions.get(arn).cloned().ok_or("ExecutionDoesNotExist")
    }

    fn get_item(&self, request: &Value) -> Result<Value, &'static str> {
        self.refuses(Service::Locks)?;
        assert_eq!(request["ConsistentRead"], true, "K3: a lock is read consistently");
        let key = request["Key"]["key"]["S"].as_str().unwrap();
        Ok(match self.locks.get(key) {
            Some(item) => json!({"Item": item}),
            None => json!({}),
        })
    }

    fn scan(&self) -> Result<Value, &'static str> {
        self.refuses(Service::Locks)?;
        let items: Vec<_> = self.locks.values().collect();
        Ok(json!({"Count": items.len(), "ScannedCount": items.len(), "Items": items}))
    }

    /// Conditions of the form `#a = :x AND #b <> :y AND attribute_not_exists(#c) …`, and updates of the form `SET #a = :x, … REMOVE #b, …`.
    fn update_item(&mut self, request: &Value) -> Result<Value, &'static str> {
        self.refuses(Service::Locks)?;
        let key = request["Key"]["key"]["S"].as_str().unwrap();
        let name = |alias: &str| request["ExpressionAttributeNames"][alias].as_str().unwrap().to_owned();
        let value = |alias: &str| request["ExpressionAttributeValues"][alias].clone();
        let mut item = self.locks.get(key).cloned().unwrap_or_else(Map::new);
        for condition in request["ConditionExpression"].as_str().unwrap().split(" AND ") {
            let holds = match condition.split_once(' ').unwrap_or((condition, "")) {
                (left, equal) if equal.starts_with("= ") => item.get(&name(left)) == Some(&value(&equal[2..])),
                (left, other) if other.starts_with("<> ") => item.get(&name(left)) != Some(&value(&other[3..])),
                (absent, _) => {
                    let absent = absent.strip_prefix("attribute_not_exists(").unwrap();
                    !item.contains_key(&name(absent.trim_end_matches(')')))
                }
            };
            if !holds {
                return Err("ConditionalCheckFailedException");
            }
        }
        let update = request["UpdateExpression"].as_str().unwrap();
        let (sets, removes) = update.split_once("REMOVE ").unwrap_or((update, ""));
        let list = |text: &str| -> Vec<String> {
            let parts = text.trim().split(", ").filter(|part| !part.is_empty());
            parts.map(str::to_owned).collect()
        };
        for set in list(sets.trim().trim_start_matches("SET ")) {
            let (left, right) = set.split_once(" = ").unwrap();
            item.insert(name(left), value(right));
        }
        for removed in list(removes) {
            item.remove(&name(&removed));
        }
        self.locks.insert(key.to_owned(), item);
        Ok(json!({}))
    }

    /// SNS.
    fn query_service(&mut self, body: &[u8]) -> bucket::Answer {
        let form = pairs(std::str::from_utf8(body).unwrap());
        assert_eq!(form["Action"], "Publish", "the double knows no other query");
        if self.refused.contains(&Service::Mail) {
            let body = "<ErrorResponse><Error><Type>Sender</Type><Code>AuthorizationError</Code>\
                        <Message>not authorized</Message></Error></ErrorResponse>";
            return (403, Vec::new(), body.as_bytes().to_vec());
        }
        let attributes = (1..)
            .map_while(|i| {
                let entry = |part: &str| form.get(&format!("MessageAttributes.entry.{i}.{part}"));
                Some((entry("Name")?.clone(), entry("Value.StringValue")?.clone()))
            })
            .collect();
        self.mails.push(Sent {
            topic: form["TopicArn"].clone(),
            subject: form["Subject"].clone(),
            body: form["Message"].clone(),
            attributes,
        });
        let body = "<PublishResponse><PublishResult><MessageId>m</MessageId></PublishResult></PublishResponse>";
        (200, Vec::new(), body.as_bytes().to_vec())
    }
}

fn pairs(text: &str) -> BTreeMap<String, String> {
    text.split('&')
        .filter_map(|pair| pair.split_once('='))
        .map(|(name, value)| (decode(name), decode(&value.replace('+', " "))))
        .collect()
}

fn decode(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let digits = [rest.next().unwrap(), rest.next().unwrap()];
            let digits = std::str::from_utf8(&digits).unwrap().to_owned();
            bytes.push(u8::from_str_radix(&digits, 16).unwrap());
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).unwrap()
}
