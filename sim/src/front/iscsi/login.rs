//! The login phase (RFC 7143 clauses 6.3 and 11.12), as a machine that takes requests and gives
//! responses.

use std::collections::BTreeSet;

use thiserror::Error;

use super::chap::{Challenge, Exchange, Refused, Secrets};
use super::negotiate::{Answer, DEFAULT_SEGMENT, MAX_SEGMENT, Parameters, choose};
use super::request::{HEADER_LENGTH, LoginRequest, Opcode, Pdu, Stage, is_continued};
use super::response::{LoginResponse, LoginStatus, Numbers, Response};
use super::session::WINDOW;
use super::text::{Collector, Pairs, encode, value};

/// Requests of one login; a login that needs more goes nowhere.
const MAX_REQUESTS: usize = 64;
/// Longest iSCSI name (RFC 7143 clause 4.2.7.2), in bytes.
const MAX_NAME_LENGTH: usize = 223;
/// The only portal group.
pub(crate) const PORTAL_GROUP: u16 = 1;

/// Whom this target lets in.
#[derive(Debug, Clone)]
pub(crate) struct Policy {
    pub(crate) target: String,
    /// Everybody without.
    pub(crate) secrets: Option<Secrets>,
}

/// SessionType (RFC 7143 clause 13.21).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SessionType {
    Discovery,
    Normal,
}

/// A session that may begin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LoggedIn {
    pub(crate) initiator: String,
    pub(crate) isid: [u8; 6],
    pub(crate) tsih: u16,
    pub(crate) cid: u16,
    pub(crate) kind: SessionType,
    pub(crate) parameters: Parameters,
    /// StatSN of the first response of the session.
    pub(crate) status_number: u32,
    /// CmdSN of the first command.
    pub(crate) command_number: u32,
}

/// What a request leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Next {
    Continue,
    Enter(Box<LoggedIn>),
    /// The response says no; the connection ends after it.
    Refuse(String),
}

/// A response and what follows.
#[derive(Debug)]
pub(crate) struct Step {
    pub(crate) header: [u8; HEADER_LENGTH],
    pub(crate) text: Vec<u8>,
    pub(crate) next: Next,
}

/// Why a login fails: a status for the initiator, a reason for the log.
#[derive(Debug, Error)]
#[error("{what}")]
struct Failure {
    status: LoginStatus,
    what: String,
}

fn failure(status: LoginStatus, what: impl Into<String>) -> Failure {
    Failure {
        status,
        what: what.into(),
    }
}

impl From<Refused> for Failure {
    fn from(refused: Refused) -> Self {
        failure(LoginStatus::AuthenticationFailure, refused.0)
    }
}

/// What is fixed by the first request of a login.
#[derive(Debug)]
struct Leading {
    request: LoginRequest,
    initiator: String,
    kind: SessionType,
}

/// A login under way.
#[derive(Debug)]
pub(crate) struct Login<'a> {
    policy: &'a Policy,
    tsih: u16,
    chap: Exchange,
    leading: Option<Leading>,
    stage: Stage,
    text: Collector,
    parameters: Parameters,
    /// Keys that were answered.
    settled: BTreeSet<String>,
    chap_chosen: bool,
    segment_declared: bool,
    requests: usize,
    status_number: u32,
}

impl<'a> Login<'a> {
    /// `tsih` is what the session gets.
    pub(crate) fn new(policy: &'a Policy, tsih: u16, challenge: Challenge) -> Self {
        Self {
            policy,
            tsih,
            chap: Exchange::new(challenge),
            leading: None,
            stage: Stage::Security,
            text: Collector::default(),
            parameters: Parameters::default(),
            settled: BTreeSet::new(),
            chap_chosen: false,
            segment_declared: false,
            requests: 0,
            status_number: 0,
        }
    }

    /// Answers a request; nothing but a Login Request is answered. `exists` tells whether there
    /// is a session with a TSIH.
    pub(crate) fn receive(&mut self, pdu: &Pdu, exists: impl Fn(u16) -> bool) -> Option<Step> {
        if pdu.opcode() != Opcode::Login {
            return None;
        }
        let request = LoginRequest::parse(pdu);
        if self.requests == 0 {
            self.status_number = request.expected_status_number;
        }
        self.requests += 1;
        let answered = self.advance(pdu, &request, exists);
        let step = match answered {
            Ok((answers, transit)) => self.accept(&request, &answers, transit),
            Err(failed) => self.refuse(&request, &failed),
        };
        self.status_number = self.status_number.wrapping_add(1);
        Some(step)
    }

    fn advance(
        &mut self,
        pdu: &Pdu,
        request: &LoginRequest,
        exists: impl Fn(u16) -> bool,
    ) -> Result<(Pairs, bool), Failure> {
        let wrong = |what: &str| failure(LoginStatus::InitiatorError, what);
        if self.requests > MAX_REQUESTS {
            return Err(wrong("the login has no end"));
        }
        let text = self.text.add(&pdu.data);
        text.map_err(|error| wrong(&error.to_string()))?;
        if is_continued(pdu) {
            let refused = request.transit.then(|| wrong("both T and C are set"));
            return refused.map_or(Ok((Pairs::new(), false)), Err);
        }
        let pairs = self.text.finish();
        let pairs = pairs.map_err(|error| wrong(&error.to_string()))?;
        let mut answers = Pairs::new();
        match &self.leading {
            None => self.lead(request, &pairs, exists, &mut answers)?,
            Some(leading) => {
                let first = &leading.request;
                if (request.isid, request.cid) != (first.isid, first.cid) {
                    return Err(wrong("ISID or CID changed during the login"));
                }
                if request.current != Some(self.stage) {
                    return Err(wrong("a request of another stage"));
                }
            }
        }
        self.negotiate(&pairs, &mut answers)?;
        let transit = self.may_transit(request)?;
        if answers
            .iter()
            .map(|(key, value)| key.len() + value.len() + 2)
            .sum::<usize>()
            > DEFAULT_SEGMENT as usize
        {
            return Err(wrong("more keys than can be answered at once"));
        }
        Ok((answers, transit))
    }

    /// The first request says who comes and what for (RFC 7143 clauses 6.3 and 11.12).
    fn lead(
        &mut self,
        request: &LoginRequest,
        pairs: &Pairs,
        exists: impl Fn(u16) -> bool,
        answers: &mut Pairs,
    ) -> Result<(), Failure> {
        if request.lowest_version > 0 {
            return Err(failure(
                LoginStatus::UnsupportedVersion,
                "a later version only",
            ));
        }
        if request.tsih != 0 {
            return Err(if exists(request.tsih) {
                failure(
                    LoginStatus::TooManyConnections,
                    "a second connection of a session",
                )
            } else {
                failure(LoginStatus::SessionDoesNotExist, "no such session")
            });
        }
        self.stage = match request.current {
            Some(stage @ (Stage::Security | Stage::Operational)) => stage,
            _ => return Err(failure(LoginStatus::InitiatorError, "no such stage")),
        };
        let initiator = value(pairs, "InitiatorName")
            .filter(|name| (1..=MAX_NAME_LENGTH).contains(&name.len()))
            .ok_or_else(|| failure(LoginStatus::MissingParameter, "no InitiatorName"))?;
        let kind = match value(pairs, "SessionType") {
            None | Some("Normal") => SessionType::Normal,
            Some("Discovery") => SessionType::Discovery,
            Some(_) => {
                return Err(failure(
                    LoginStatus::SessionTypeNotSupported,
                    "an unknown SessionType",
                ));
            }
        };
        match (kind, value(pairs, "TargetName")) {
            (SessionType::Normal, None) => {
                return Err(failure(LoginStatus::MissingParameter, "no TargetName"));
            }
            (SessionType::Normal, Some(name)) if name != self.policy.target => {
                return Err(failure(
                    LoginStatus::NotFound,
                    format!("no target {name:?}"),
                ));
            }
            (SessionType::Normal, Some(_)) => {
                answers.push(("TargetPortalGroupTag".to_owned(), PORTAL_GROUP.to_string()));
            }
            (SessionType::Discovery, _) => {}
        }
        self.leading = Some(Leading {
            request: *request,
            initiator: initiator.to_owned(),
            kind,
        });
        Ok(())
    }

    fn negotiate(&mut self, pairs: &Pairs, answers: &mut Pairs) -> Result<(), Failure> {
        for (key, offer) in pairs {
            if key.starts_with("CHAP_") {
                continue;
            }
            if !self.settled.insert(key.clone()) {
                let what = format!("{key} is negotiated twice");
                return Err(failure(LoginStatus::InitiatorError, what));
            }
            let answer = match key.as_str() {
                "InitiatorName" | "InitiatorAlias" | "SessionType" | "TargetName" => Answer::None,
                "AuthMethod" => Answer::Value(self.choose_method(offer)?),
                _ => self.parameters.negotiate(key, offer),
            };
            if let Answer::Value(text) = answer {
                answers.push((key.clone(), text));
            }
        }
        if let (true, Some(secrets)) = (self.chap_chosen, &self.policy.secrets) {
            answers.extend(self.chap.step(secrets, pairs)?);
        }
        if self.stage == Stage::Operational && !self.segment_declared {
            self.segment_declared = true;
            answers.push((
                "MaxRecvDataSegmentLength".to_owned(),
                MAX_SEGMENT.to_string(),
            ));
        }
        Ok(())
    }

    fn choose_method(&mut self, offer: &str) -> Result<String, Failure> {
        let ours = if self.policy.secrets.is_some() {
            "CHAP"
        } else {
            "None"
        };
        self.chap_chosen = self.policy.secrets.is_some();
        choose(offer, &[ours]).map(str::to_owned).ok_or_else(|| {
            let what = format!("{ours} is needed, and {offer:?} offered");
            failure(LoginStatus::AuthenticationFailure, what)
        })
    }

    /// Whether the next stage begins; an initiator that would pass without proof is refused.
    fn may_transit(&self, request: &LoginRequest) -> Result<bool, Failure> {
        let proven = self.policy.secrets.is_none() || self.chap.is_done();
        let unproven = "the initiator does not prove who it is";
        if self.stage == Stage::Operational && !proven {
            return Err(failure(LoginStatus::AuthenticationFailure, unproven));
        }
        if !request.transit {
            return Ok(false);
        }
        if request.next.is_none_or(|next| next <= self.stage) {
            return Err(failure(LoginStatus::InitiatorError, "no such next stage"));
        }
        if !proven && !self.chap_chosen {
            return Err(failure(LoginStatus::AuthenticationFailure, unproven));
        }
        Ok(proven)
    }

    fn accept(&mut self, request: &LoginRequest, answers: &Pairs, transit: bool) -> Step {
        let current = self.stage;
        let next = request.next.filter(|_| transit).unwrap_or(current);
        self.stage = next;
        let entered = (next == Stage::FullFeature).then_some(self.leading.as_ref());
        let next_step = match entered.flatten() {
            None => Next::Continue,
            Some(leading) => {
                self.parameters.settle();
                Next::Enter(Box::new(LoggedIn {
                    initiator: leading.initiator.clone(),
                    isid: leading.request.isid,
                    tsih: self.tsih,
                    cid: leading.request.cid,
                    kind: leading.kind,
                    parameters: self.parameters,
                    status_number: self.status_number.wrapping_add(1),
                    command_number: request.command_number,
                }))
            }
        };
        let response = LoginResponse {
            transit,
            current,
            next,
            isid: request.isid,
            tsih: if next == Stage::FullFeature {
                self.tsih
            } else {
                0
            },
            tag: request.tag,
            status: LoginStatus::Success,
        };
        Step {
            header: self.encode(response, request),
            text: encode(answers),
            next: next_step,
        }
    }

    fn refuse(&self, request: &LoginRequest, failed: &Failure) -> Step {
        let response = LoginResponse {
            transit: false,
            current: request.current.unwrap_or(self.stage),
            next: self.stage,
            isid: request.isid,
            tsih: request.tsih,
            tag: request.tag,
            status: failed.status,
        };
        Step {
            header: self.encode(response, request),
            text: Vec::new(),
            next: Next::Refuse(failed.what.clone()),
        }
    }

    fn encode(&self, response: LoginResponse, request: &LoginRequest) -> [u8; HEADER_LENGTH] {
        let numbers = Numbers {
            status: self.status_number,
            expected_command: request.command_number,
            highest_command: request.command_number.wrapping_add(WINDOW - 1),
        };
        Response::Login(response).encode(numbers)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const CHALLENGE: Challenge = Challenge {
        identifier: 1,
        bytes: [1; 16],
    };

    fn policy(text: Option<&str>) -> Policy {
        let dir = tempfile::tempdir().unwrap();
        let secrets = text.map(|text| {
            use std::os::unix::fs::PermissionsExt;
            let path = dir.path().join("chap");
            std::fs::write(&path, text).unwrap();
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
            Secrets::read(&path).unwrap()
        });
        Policy {
            target: "iqn.t".to_owned(),
            secrets,
        }
    }

    /// Flags and text of a request; names and values that mean something are frequent.
    fn request() -> impl Strategy<Value = (u8, Vec<u8>)> {
        let key = prop::sample::select(vec![
            "InitiatorName",
            "TargetName",
            "SessionType",
            "AuthMethod",
            "CHAP_A",
            "CHAP_N",
            "CHAP_R",
            "CHAP_I",
            "CHAP_C",
            "HeaderDigest",
            "MaxBurstLength",
            "InitialR2T",
            "X-a",
        ]);
        let offer = prop::sample::select(vec![
            "iqn.t",
            "a",
            "Normal",
            "Discovery",
            "CHAP",
            "None",
            "CHAP,None",
            "5",
            "0x00",
            "512",
            "Yes",
        ]);
        let pairs = prop::collection::vec((key, offer), 0..6).prop_map(|pairs| {
            let text = pairs
                .iter()
                .map(|(key, offer)| [*key, "=", *offer, "\0"].concat());
            text.collect::<String>().into_bytes()
        });
        let text = prop_oneof![8 => pairs, 1 => prop::collection::vec(any::<u8>(), 0..80)];
        let flags = prop_oneof![
            Just(0x87_u8),
            Just(0x81),
            Just(0x00),
            Just(0x04),
            any::<u8>()
        ];
        (flags, text)
    }

    fn steps(policy: &Policy, requests: Vec<(u8, Vec<u8>)>) -> Vec<Step> {
        let mut login = Login::new(policy, 1, CHALLENGE);
        let mut steps = Vec::new();
        for (flags, text) in requests {
            let mut header = [0; HEADER_LENGTH];
            header[..2].copy_from_slice(&[0x43, flags]);
            let mut pdu = Pdu::new(header);
            pdu.data = text;
            let step = login.receive(&pdu, |_| false).unwrap();
            let ends = step.next != Next::Continue;
            steps.push(step);
            if ends {
                break;
            }
        }
        steps
    }

    proptest! {
        #[test]
        fn nobody_is_let_in_without_a_proof(requests in prop::collection::vec(request(), 1..8)) {
            let policy = policy(Some("initiator a 0123456789ab\n"));
            for step in steps(&policy, requests) {
                prop_assert!(!matches!(step.next, Next::Enter(_)));
                prop_assert!(step.text.len() <= DEFAULT_SEGMENT as usize);
            }
        }

        #[test]
        fn any_login_is_answered_within_bounds(requests in prop::collection::vec(request(), 1..8)) {
            for step in steps(&policy(None), requests) {
                prop_assert!(step.text.len() <= DEFAULT_SEGMENT as usize);
                let refused = step.header[36..38] != [0, 0];
                prop_assert_eq!(refused, matches!(step.next, Next::Refuse(_)));
            }
        }
    }

    #[test]
    fn a_login_without_end_is_refused() {
        let policy = policy(None);
        let endless = vec![(0x04, b"InitiatorName=a\0TargetName=iqn.t\0".to_vec())]
            .into_iter()
            .chain((0..100).map(|_| (0x04, Vec::new())))
            .collect();
        let steps = steps(&policy, endless);
        assert_eq!(steps.len(), MAX_REQUESTS + 1);
        let last = &steps[MAX_REQUESTS];
        assert_eq!(last.next, Next::Refuse("the login has no end".to_owned()));
    }

    #[test]
    fn more_keys_than_can_be_answered_are_refused() {
        let policy = policy(None);
        let names = "InitiatorName=a\0TargetName=iqn.t\0".to_owned();
        let many = (0..2000).fold(names, |text, number| format!("{text}X-{number}=1\0"));
        let steps = steps(&policy, vec![(0x87, many.into_bytes())]);
        assert!(matches!(steps[0].next, Next::Refuse(_)));
    }
}
