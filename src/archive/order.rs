//! The order of paths.

use std::cmp::Ordering;

/// Compares two paths in walk order: name by name, byte by byte, a directory right before what is
/// in it. That is byte order with `/` before every other byte, and the root `.` before all.
#[must_use]
pub fn walk_order(a: &[u8], b: &[u8]) -> Ordering {
    match (a == b".", b == b".") {
        (true, true) => return Ordering::Equal,
        (true, false) => return Ordering::Less,
        (false, true) => return Ordering::Greater,
        (false, false) => {}
    }
    let common = common_length(a, b);
    match (a.get(common), b.get(common)) {
        (None, None) => Ordering::Equal,
        (None, Some(_)) => Ordering::Less,
        (Some(_), None) => Ordering::Greater,
        (Some(x), Some(y)) => rank(*x).cmp(&rank(*y)),
    }
}

fn rank(byte: u8) -> u16 {
    if byte == b'/' { 0 } else { u16::from(byte) + 1 }
}

/// Whether `path` is `folder` or something below it; everything is below `.`.
#[must_use]
pub fn is_below(path: &[u8], folder: &[u8]) -> bool {
    if folder == b"." || folder.is_empty() {
        return true;
    }
    path.strip_prefix(folder)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with(b"/"))
}

/// How many bytes both begin with.
pub(crate) fn common_length(a: &[u8], b: &[u8]) -> usize {
    const STRIDE: usize = 16;
    let mut common = 0;
    for (x, y) in a.chunks_exact(STRIDE).zip(b.chunks_exact(STRIDE)) {
        if x != y {
            break;
        }
        common += STRIDE;
    }
    let rest = a[common..].iter().zip(&b[common..]);
    common + rest.take_while(|(x, y)| x == y).count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_directory_comes_right_before_what_is_in_it() {
        let sorted: [&[u8]; 9] = [
            b".", b"!", b"a", b"a/b", b"a/b/c", b"a/b!", b"a!", b"a!/x", b"b",
        ];
        for pair in sorted.windows(2) {
            assert_eq!(walk_order(pair[0], pair[1]), Ordering::Less, "{pair:?}");
            assert_eq!(walk_order(pair[1], pair[0]), Ordering::Greater, "{pair:?}");
        }
    }

    #[test]
    fn below_means_by_whole_names() {
        assert!(is_below(b"a/b", b"a"));
        assert!(is_below(b"a", b"a"));
        assert!(!is_below(b"ab", b"a"));
        assert!(is_below(b"ab", b"."));
    }

    proptest! {
        #[test]
        fn it_is_the_order_of_the_lists_of_names(
            a in prop::collection::vec("[a-c!]{1,20}", 1..5),
            b in prop::collection::vec("[a-c!]{1,20}", 1..5),
        ) {
            let (x, y) = (a.join("/"), b.join("/"));
            prop_assert_eq!(walk_order(x.as_bytes(), y.as_bytes()), a.cmp(&b));
        }
    }
}
