//! pax extended header records (POSIX.1-2017 `pax`, "pax Extended Header").

use super::member::FileTime;

const ATTRIBUTE: &[u8] = b"SCHILY.xattr.";

/// Appends `length key=value` and a newline; the length counts its own digits.
pub(super) fn push_record(records: &mut Vec<u8>, key: &[u8], value: &[u8]) {
    let rest = key.len() + value.len() + 3;
    let mut length = rest + 1;
    while length != rest + length.to_string().len() {
        length = rest + length.to_string().len();
    }
    records.extend_from_slice(length.to_string().as_bytes());
    records.push(b' ');
    records.extend_from_slice(key);
    records.push(b'=');
    records.extend_from_slice(value);
    records.push(b'\n');
}

/// Splits off the first record: key, value and what follows. `None` if it is malformed.
pub(super) fn take_record(records: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let blank = records.iter().take(20).position(|byte| *byte == b' ')?;
    let length: usize = std::str::from_utf8(&records[..blank]).ok()?.parse().ok()?;
    if length <= blank + 1 || length > records.len() || records[length - 1] != b'\n' {
        return None;
    }
    let body = &records[blank + 1..length - 1];
    let equals = body.iter().position(|byte| *byte == b'=')?;
    Some((&body[..equals], &body[equals + 1..], &records[length..]))
}

/// Key of an extended attribute's record. An equals sign would end the key, so it is written
/// `%3D` as GNU tar does; a percent sign is escaped only where it could be taken for that.
pub(super) fn attribute_key(name: &[u8]) -> Vec<u8> {
    let mut key = ATTRIBUTE.to_vec();
    for (at, byte) in name.iter().enumerate() {
        match byte {
            b'=' => key.extend_from_slice(b"%3D"),
            b'%' if is_escape(&name[at + 1..]) => key.extend_from_slice(b"%25"),
            other => key.push(*other),
        }
    }
    key
}

/// Name of the extended attribute a record is about; `None` if it is not about one.
pub(super) fn attribute_name(key: &[u8]) -> Option<Vec<u8>> {
    let mut rest = key.strip_prefix(ATTRIBUTE)?;
    let mut name = Vec::with_capacity(rest.len());
    while let Some((byte, after)) = rest.split_first() {
        if *byte == b'%' && is_escape(after) {
            name.push(if after[0] == b'3' { b'=' } else { b'%' });
            rest = &after[2..];
        } else {
            name.push(*byte);
            rest = after;
        }
    }
    Some(name)
}

fn is_escape(after: &[u8]) -> bool {
    after.starts_with(b"3D") || after.starts_with(b"25")
}

/// Decimal seconds since the epoch, with as many decimals as there are.
pub(super) fn format_time(time: FileTime) -> String {
    if time.nanos == 0 {
        return time.seconds.to_string();
    }
    let negative = time.seconds < 0;
    // Before the epoch the fraction counts the other way: -2 s and 0.25 s more are -1.75.
    let (whole, nanos) = if negative {
        (-(i128::from(time.seconds) + 1), 1_000_000_000 - time.nanos)
    } else {
        (i128::from(time.seconds), time.nanos)
    };
    let sign = if negative { "-" } else { "" };
    let text = format!("{sign}{whole}.{nanos:09}");
    text.trim_end_matches('0').to_owned()
}

/// Reads decimal seconds, with decimals beyond the ninth rounded towards minus infinity.
pub(super) fn parse_time(text: &[u8]) -> Option<FileTime> {
    let text = std::str::from_utf8(text).ok()?;
    let (negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let plain = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !plain(whole) || !plain(fraction) {
        return None;
    }
    let whole: i64 = whole.parse().ok()?;
    let padded: String = fraction
        .chars()
        .chain("000000000".chars())
        .take(9)
        .collect();
    let nanos: u32 = padded.parse().ok()?;
    let more = fraction.bytes().skip(9).any(|digit| digit != b'0');
    if !negative {
        return Some(FileTime {
            seconds: whole,
            nanos,
        });
    }
    let nanos = nanos + u32::from(more);
    if nanos == 0 {
        return Some(FileTime {
            seconds: -whole,
            nanos: 0,
        });
    }
    Some(FileTime {
        seconds: (-whole).checked_sub(1)?,
        nanos: 1_000_000_000 - nanos,
    })
}
