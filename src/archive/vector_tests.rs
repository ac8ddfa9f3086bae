//! Bytes that other programs wrote, against ours.

use super::acl::{Acl, AclEntry, AclSubject};
use super::block::{Block, TypeFlag, number};
use super::header::{DeviceNumber, MemberHeader};
use super::member::{FileTime, MemberKind};
use super::owner::OwnerNames;
use super::pax::{
    attribute_key, attribute_name, format_time, parse_time, push_record, take_record,
};
use super::problem::Malformation;
use super::reader::ArchiveReader;
use super::sparse::{Extent, SparseMap};

fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u32> = text
        .chars()
        .filter_map(|digit| digit.to_digit(16))
        .collect();
    digits
        .chunks(2)
        .map(|pair| u8::try_from(pair[0] * 16 + pair[1]).unwrap())
        .collect()
}

/// Fields at their offsets, zeros between, 512 bytes each.
fn blocks(fields: &[(usize, &str)]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (offset, field) in fields {
        let field = hex(field);
        let end = (offset + field.len()).next_multiple_of(512);
        bytes.resize(end.max(bytes.len()), 0);
        bytes[*offset..offset + field.len()].copy_from_slice(&field);
    }
    bytes
}

fn alice(path: &[u8], kind: MemberKind) -> MemberHeader {
    MemberHeader {
        path: path.to_vec(),
        kind,
        mode: 0o644,
        uid: 1001,
        gid: 50,
        owner: b"alice".to_vec(),
        group: b"staff".to_vec(),
        modified: FileTime {
            seconds: 1_000_000_000,
            nanos: 0,
        },
        size: 0,
        device: DeviceNumber { major: 0, minor: 0 },
        link: Vec::new(),
        sparse: None,
        attributes: Vec::new(),
        access_acl: None,
        default_acl: None,
    }
}

const OWNER: &str = "616c696365";
const GROUP: &str = "7374616666";
const NO_DEVICE: &str = "3030303030303000 3030303030303000";

/// GNU tar 1.34: `printf hello > file; touch -d @1000000000 file; chmod 640 file;
/// tar --format=ustar --owner=alice:1001 --group=staff:50 -cf - file | head -c 512 | xxd -p`
#[test]
fn a_ustar_header_is_gnu_tars() {
    let expected = blocks(&[
        (0, "66696c65"),
        (100, "3030303036343000 3030303137353100 3030303030363200"),
        (
            124,
            "303030303030303030303500 303733343635343530303000 3031323135300020 30",
        ),
        (257, "75737461 72003030"),
        (265, OWNER),
        (297, GROUP),
        (329, NO_DEVICE),
    ]);
    let mut header = alice(b"file", MemberKind::File);
    header.mode = 0o640;
    header.size = 5;
    assert_eq!(header.to_bytes(), expected);
}

/// GNU tar 1.34: `mkdir d; touch -d @-1.25 d; tar --format=posix --owner=alice:1001
/// --group=staff:50 --pax-option=delete=atime,delete=ctime,exthdr.name=PaxHeaders/member -cf - d`
#[test]
fn a_pax_header_with_a_time_before_1970_is_gnu_tars() {
    let expected = blocks(&[
        (0, "506178486561646572732f6d656d626572"),
        (100, "3030303036343400 3030303030303000 3030303030303000"),
        (
            124,
            "303030303030303030313700 303030303030303030303000 3031313237310020 78",
        ),
        (257, "75737461 72003030"),
        (512, "3135206d74696d653d2d312e32350a"),
        (1024, "642f"),
        (1124, "3030303037353500 3030303137353100 3030303030363200"),
        (
            1148,
            "303030303030303030303000 303030303030303030303000 3031313530300020 35",
        ),
        (1281, "75737461 72003030"),
        (1289, OWNER),
        (1321, GROUP),
        (1353, NO_DEVICE),
    ]);
    let mut header = alice(b"d", MemberKind::Directory);
    header.mode = 0o755;
    header.modified = FileTime {
        seconds: -2,
        nanos: 750_000_000,
    };
    let mut ours = header.to_bytes();
    // GNU tar leaves the device fields of an extended header empty, which POSIX allows.
    ours[329..345].fill(0);
    ours[148..155].copy_from_slice(&expected[148..155]);
    assert_eq!(&ours[512..1024], &expected[512..1024]);
    assert_eq!(ours[..512], expected[..512]);
    let mut reader = ArchiveReader::new(expected.as_slice());
    let read = reader.next_member().unwrap().unwrap();
    assert_eq!(read, header);
}

/// GNU tar 1.34: a file of 1 MiB with one page of data in the middle, `tar --format=gnu -S
/// --owner=alice:1001 --group=staff:50 --mtime=@1000000000 -cf - sp`
#[test]
fn an_old_gnu_sparse_header_is_read() {
    let mut bytes = blocks(&[
        (0, "7370"),
        (100, "3030303036343400 3030303137353100 3030303030363200"),
        (
            124,
            "303030303030313030303000 303733343635343530303000 3031353535310020 53",
        ),
        (257, "75737461 72202000"),
        (265, OWNER),
        (297, GROUP),
        (386, "303030303230303030303000 303030303030313030303000"),
        (410, "303030303430303030303000 303030303030303030303000"),
        (483, "303030303430303030303000"),
    ]);
    bytes.resize(512 + 4096, b'x');
    let mut reader = ArchiveReader::new(bytes.as_slice());
    let read = reader.next_member().unwrap().unwrap();
    let mut expected = alice(b"sp", MemberKind::File);
    expected.size = 1 << 20;
    expected.sparse = SparseMap::new(
        [Extent {
            offset: 1 << 19,
            length: 4096,
        }],
        1 << 20,
    );
    assert_eq!(read, expected);
    assert_eq!(reader.next_data().unwrap().unwrap().offset, 1 << 19);
    assert!(reader.next_member().unwrap().is_none());
}

/// The same file by `tar --format=posix -S`: records and map.
#[test]
fn a_sparse_map_is_gnu_tars() {
    let map = SparseMap::new(
        [Extent {
            offset: 1 << 19,
            length: 4096,
        }],
        1 << 20,
    );
    let mut header = alice(b"sp", MemberKind::File);
    header.size = 1 << 20;
    header.sparse = map;
    let bytes = header.to_bytes();
    let text = String::from_utf8_lossy(&bytes);
    for record in [
        "22 GNU.sparse.major=1\n",
        "22 GNU.sparse.minor=0\n",
        "22 GNU.sparse.name=sp\n",
        "31 GNU.sparse.realsize=1048576\n",
    ] {
        assert!(text.contains(record), "{record}");
    }
    assert!(bytes[1536..].starts_with(b"2\n524288\n4096\n1048576\n0\n\0"));
    assert_eq!(bytes.len(), 2048);
    // The size field counts map and data.
    assert_eq!(&bytes[1024 + 124..1024 + 136], b"00000011000\0");
}

/// Linux 6.18, ext4: `setfacl -m u:4242:rw,g:4343:r,u:0:rwx,m::rwx`, then
/// `getfattr -n system.posix_acl_access -e hex`
#[test]
fn an_acl_is_the_kernels() {
    let kernel = hex(
        "02000000 01000600ffffffff 0200070000000000 0200060092100000 04000400ffffffff \
         08000400f7100000 10000700ffffffff 20000400ffffffff",
    );
    let acl = Acl::from_attribute(&kernel).unwrap();
    assert_eq!(acl.to_attribute(), kernel);
    let mut names = OwnerNames::default();
    let text = acl.to_text(&mut names);
    assert_eq!(
        String::from_utf8_lossy(&text),
        "user::rw-,user:root:rwx:0,user:4242:rw-:4242,group::r--,group:4343:r--:4343,\
         mask::rwx,other::r--"
    );
    assert_eq!(Acl::from_text(&text), Some(acl));
}

#[test]
fn acl_texts_of_other_programs() {
    let entry = |subject, permissions| AclEntry {
        subject,
        permissions,
    };
    // GNU tar writes names without numbers; star also one colon and comments.
    for text in [
        "user::rwx,user:root:r-x,group::r-x,mask::r-x,other::---",
        "u::rwx,u:0:r-x,g::r-x,mask:r-x,other:---",
        "user::rwx\nuser:daemon:r-x:0 # the number decides\ngroup::r-x\nmask::r-x\nother::---\n",
    ] {
        let expected = [
            entry(AclSubject::Owner, 7),
            entry(AclSubject::User(0), 5),
            entry(AclSubject::OwningGroup, 5),
            entry(AclSubject::Mask, 5),
            entry(AclSubject::Other, 0),
        ];
        assert_eq!(
            Acl::from_text(text.as_bytes()).unwrap().entries,
            expected,
            "{text}"
        );
    }
    for text in [
        "user::rwq",
        "friend::rwx",
        "user:no-such-user-here:r--",
        "user:rwx",
        "\u{fc}",
    ] {
        assert_eq!(Acl::from_text(text.as_bytes()), None, "{text}");
    }
    for bytes in [
        "01000000",
        "0200000001",
        "02000000 01000800ffffffff",
        "02000000 03000600ffffffff",
    ] {
        assert_eq!(Acl::from_attribute(&hex(bytes)), None, "{bytes}");
    }
}

/// libarchive 3.6.2 and GNU tar 1.34 wrote these lengths.
#[test]
fn record_lengths_count_themselves() {
    for record in [
        "30 mtime=1795256361.785689134\n",
        "15 mtime=-1.25\n",
        "31 GNU.sparse.realsize=1048576\n",
        "21 hdrcharset=BINARY\n",
    ] {
        let (key, value, rest) = take_record(record.as_bytes()).unwrap();
        assert!(rest.is_empty());
        let mut ours = Vec::new();
        push_record(&mut ours, key, value);
        assert_eq!(ours, record.as_bytes());
    }
    // Around the places where the length gets a digit more.
    for length in (0..20).chain(90..110).chain(990..1010) {
        let mut record = Vec::new();
        push_record(&mut record, b"k", &vec![b'v'; length]);
        let (_, value, rest) = take_record(&record).unwrap();
        assert_eq!((value.len(), rest.len()), (length, 0));
    }
    for bad in [
        "",
        "5",
        "5 a=b",
        "x a=b\n",
        "4 a\n",
        "0 a=b\n",
        "99999999999999999999 a=b\n",
    ] {
        assert!(take_record(bad.as_bytes()).is_none(), "{bad:?}");
    }
}

#[test]
fn times_are_one_decimal_number() {
    for (seconds, nanos, text) in [
        (0, 0, "0"),
        (0, 1, "0.000000001"),
        (1, 500_000_000, "1.5"),
        (-1, 0, "-1"),
        (-1, 999_999_999, "-0.000000001"),
        (-2, 750_000_000, "-1.25"),
        (i64::MAX, 999_999_999, "9223372036854775807.999999999"),
        (-i64::MAX, 1, "-9223372036854775806.999999999"),
    ] {
        let time = FileTime { seconds, nanos };
        assert_eq!(format_time(time), text);
        assert_eq!(parse_time(text.as_bytes()), Some(time), "{text}");
    }
    // Beyond nanoseconds, towards minus infinity.
    let time = |seconds, nanos| Some(FileTime { seconds, nanos });
    assert_eq!(parse_time(b"1.0000000019"), time(1, 1));
    assert_eq!(parse_time(b"-1.0000000011"), time(-2, 999_999_998));
    for bad in [
        "",
        "-",
        "1.5x",
        "x",
        "1e5",
        ".5",
        "+1",
        "99999999999999999999",
    ] {
        assert_eq!(parse_time(bad.as_bytes()), None, "{bad}");
    }
}

#[test]
fn attribute_names_survive_the_equals_sign() {
    for (name, key) in [
        ("user.a", "SCHILY.xattr.user.a"),
        ("user.a=b", "SCHILY.xattr.user.a%3Db"),
        ("user.100%", "SCHILY.xattr.user.100%"),
        ("user.%3D", "SCHILY.xattr.user.%253D"),
        ("user.%%25", "SCHILY.xattr.user.%%2525"),
    ] {
        assert_eq!(attribute_key(name.as_bytes()), key.as_bytes());
        assert_eq!(attribute_name(key.as_bytes()).unwrap(), name.as_bytes());
    }
    assert_eq!(attribute_name(b"mtime"), None);
}

#[test]
fn numbers_are_octal_or_base_256() {
    // GNU tar manual, "Basic Tar Format": base-256 has the top bit set; -1 is all ones.
    for (field, value) in [
        ("0000644\0", 0o644),
        ("   644 \0", 0o644),
        ("644", 0o644),
        ("\0\0\0\0", 0),
        ("        ", 0),
    ] {
        assert_eq!(number(field.as_bytes()), Ok(value), "{field:?}");
    }
    assert_eq!(number(&hex("8000000000000000 00000300")), Ok(0x300));
    assert_eq!(number(&hex("ffffffffffffffff ffffffff")), Ok(-1));
    assert_eq!(
        number(&hex("8000000080000000 00000000")),
        Err(Malformation::Number)
    );
    assert_eq!(number(b"0000648\0"), Err(Malformation::Number));
}

#[test]
fn a_block_with_a_wrong_sum_is_no_header() {
    let bytes = alice(b"file", MemberKind::File).to_bytes();
    let mut block: [u8; 512] = bytes.try_into().unwrap();
    let parsed = Block::parse(&block).unwrap().unwrap();
    assert_eq!(parsed.type_flag(), TypeFlag::Regular);
    block[0] ^= 1;
    assert_eq!(Block::parse(&block).err(), Some(Malformation::Checksum));
    assert!(Block::parse(&[0; 512]).unwrap().is_none());
}
