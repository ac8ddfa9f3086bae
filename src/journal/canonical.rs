//! Canonical JSON: one text for one value.

use std::fmt::Write;

use serde_json::Value;

use super::JournalError;

/// The canonical text of a JSON value: no white space; members of objects sorted by the bytes of
/// their UTF-8 names; integers in decimal; strings in UTF-8 with only `"`, `\` and the control
/// characters below U+0020 escaped (`\b \t \n \f \r`, else `\u00xx` in lower case).
///
/// # Errors
/// [`JournalError::Fraction`]: numbers other than integers have no canonical form here.
pub fn canonical_json(value: &Value) -> Result<String, JournalError> {
    let mut text = String::new();
    write_value(value, &mut text)?;
    Ok(text)
}

fn write_value(value: &Value, text: &mut String) -> Result<(), JournalError> {
    match value {
        Value::Null => text.push_str("null"),
        Value::Bool(true) => text.push_str("true"),
        Value::Bool(false) => text.push_str("false"),
        Value::Number(number) => {
            if !(number.is_i64() || number.is_u64()) {
                return Err(JournalError::Fraction {
                    number: number.to_string(),
                });
            }
            text.push_str(&number.to_string());
        }
        Value::String(string) => write_string(string, text),
        Value::Array(items) => {
            text.push('[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    text.push(',');
                }
                write_value(item, text)?;
            }
            text.push(']');
        }
        Value::Object(members) => {
            // Sorted here and not by the map, whose order depends on how it was built.
            let mut sorted: Vec<_> = members.iter().collect();
            sorted.sort_unstable_by(|a, b| a.0.as_bytes().cmp(b.0.as_bytes()));
            text.push('{');
            for (index, (name, item)) in sorted.into_iter().enumerate() {
                if index > 0 {
                    text.push(',');
                }
                write_string(name, text);
                text.push(':');
                write_value(item, text)?;
            }
            text.push('}');
        }
    }
    Ok(())
}

fn write_string(string: &str, text: &mut String) {
    text.push('"');
    for character in string.chars() {
        match character {
            '"' => text.push_str("\\\""),
            '\\' => text.push_str("\\\\"),
            '\u{8}' => text.push_str("\\b"),
            '\t' => text.push_str("\\t"),
            '\n' => text.push_str("\\n"),
            '\u{c}' => text.push_str("\\f"),
            '\r' => text.push_str("\\r"),
            control if control < ' ' => {
                // Writing to a String cannot fail.
                let _ = write!(text, "\\u{:04x}", u32::from(control));
            }
            other => text.push(other),
        }
    }
    text.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    #[test]
    fn one_text_for_one_value() {
        let value =
            json!({"b": [1, -2, u64::MAX], "a": {"z": null, "é": true}, "a\u{1}\"\\\n": "/"});
        assert_eq!(
            canonical_json(&value).unwrap(),
            "{\"a\":{\"z\":null,\"é\":true},\"a\\u0001\\\"\\\\\\n\":\"/\",\
             \"b\":[1,-2,18446744073709551615]}"
        );
    }

    #[test]
    fn fractions_are_refused_wherever_they_are() {
        let error = canonical_json(&json!({"a": [{"b": 1.0}]})).unwrap_err();
        assert!(matches!(error, JournalError::Fraction { .. }), "{error}");
    }

    fn any_value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<u64>().prop_map(Value::from),
            any::<String>().prop_map(Value::from),
        ];
        leaf.prop_recursive(3, 24, 5, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
                prop::collection::hash_map(any::<String>(), inner, 0..5)
                    .prop_map(|members| Value::Object(members.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn it_reads_back_and_is_a_fixed_point(value in any_value()) {
            let text = canonical_json(&value).unwrap();
            let back: Value = serde_json::from_str(&text).unwrap();
            prop_assert_eq!(&back, &value);
            prop_assert_eq!(canonical_json(&back).unwrap(), text);
        }
    }
}
