//! Extended header records, times and access control lists: what is written comes back, and
//! nothing panics.

use proptest::collection::vec;
use proptest::prelude::*;

use super::acl::{Acl, AclEntry, AclSubject};
use super::member::FileTime;
use super::pax::{
    attribute_key, attribute_name, format_time, parse_time, push_record, take_record,
};
use super::records::Records;

fn subject() -> impl Strategy<Value = AclSubject> {
    prop_oneof![
        Just(AclSubject::Owner),
        any::<u32>().prop_map(AclSubject::User),
        Just(AclSubject::OwningGroup),
        any::<u32>().prop_map(AclSubject::Group),
        Just(AclSubject::Mask),
        Just(AclSubject::Other),
    ]
}

proptest! {
    #[test]
    fn records_come_back(all in vec(("[ -<>-~]{1,40}", vec(any::<u8>(), 0..1100)), 0..4)) {
        let mut bytes = Vec::new();
        for (key, value) in &all {
            push_record(&mut bytes, key.as_bytes(), value);
        }
        let mut rest = &bytes[..];
        for (key, value) in &all {
            let (found, content, after) = take_record(rest).unwrap();
            prop_assert_eq!((found, content), (key.as_bytes(), &value[..]));
            rest = after;
        }
        prop_assert!(rest.is_empty());
    }

    #[test]
    fn attribute_names_come_back(name in vec(prop_oneof![any::<u8>(), Just(b'='), Just(b'%'),
        Just(b'3'), Just(b'2'), Just(b'5'), Just(b'D')], 0..20))
    {
        prop_assert_eq!(attribute_name(&attribute_key(&name)), Some(name));
    }

    #[test]
    fn times_come_back(seconds in -1_i64 << 50..1 << 50, nanos in 0_u32..1_000_000_000) {
        for time in [FileTime { seconds, nanos }, FileTime { seconds, nanos: 0 }] {
            prop_assert_eq!(parse_time(format_time(time).as_bytes()), Some(time));
        }
    }

    #[test]
    fn lists_come_back(entries in vec((subject(), 0_u8..8), 0..8)) {
        let entries = entries.into_iter();
        let acl = Acl {
            entries: entries
                .map(|(subject, permissions)| AclEntry { subject, permissions })
                .collect(),
        };
        // In the kernel's order, whatever it was.
        let ordered = Acl::from_attribute(&acl.to_attribute()).unwrap();
        prop_assert_eq!(ordered.entries.len(), acl.entries.len());
        prop_assert!(acl.entries.iter().all(|entry| ordered.entries.contains(entry)));
        prop_assert_eq!(Acl::from_attribute(&ordered.to_attribute()), Some(ordered));
    }

    #[test]
    fn no_bytes_make_a_parser_panic(bytes in vec(any::<u8>(), 0..200), text in "[-0-9.]{0,30}") {
        let _ = (take_record(&bytes), attribute_name(&bytes), parse_time(&bytes));
        let _ = parse_time(text.as_bytes());
        let _ = Records::default().parse(&bytes, 0);
        let _ = Acl::from_attribute(&bytes);
        let _ = Acl::from_attribute(&[&[2, 0, 0, 0], &bytes[..]].concat());
        let _ = Acl::from_text(&bytes);
    }

    #[test]
    fn no_record_makes_the_reader_panic(
        key in prop::sample::select(vec!["path", "size", "uid", "gid", "mtime", "linkpath",
            "SCHILY.acl.access", "GNU.sparse.major", "GNU.sparse.realsize", "hdrcharset"]),
        value in "[-+0-9.eE]{0,25}|[ -~]{0,20}",
    ) {
        let mut bytes = Vec::new();
        push_record(&mut bytes, key.as_bytes(), value.as_bytes());
        let _ = Records::default().parse(&bytes, 0);
    }
}
