//! Numbers in words: on paper that is signed, a figure alone is too easily changed.

const SMALL: [&str; 20] = [
    "no",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
];
const TENS: [&str; 10] = [
    "", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety",
];

/// A number in English words; zero is "no". A million and more are in figures.
#[must_use]
pub fn number(value: usize) -> String {
    match value {
        0..20 => SMALL[value].to_owned(),
        20..100 => joined(TENS[value / 10].to_owned(), value % 10, "-"),
        100..1000 => joined(
            format!("{} hundred", SMALL[value / 100]),
            value % 100,
            " and ",
        ),
        1000..1_000_000 => {
            let rest = value % 1000;
            let between = if rest < 100 { " and " } else { " " };
            joined(format!("{} thousand", number(value / 1000)), rest, between)
        }
        _ => value.to_string(),
    }
}

fn joined(first: String, rest: usize, between: &str) -> String {
    if rest == 0 {
        first
    } else {
        format!("{first}{between}{}", number(rest))
    }
}

/// As [`number`], with a capital letter.
#[must_use]
pub fn sentence(value: usize) -> String {
    let words = number(value);
    let mut characters = words.chars();
    characters.next().map_or_else(String::new, |first| {
        first.to_uppercase().chain(characters).collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_as_people_say_them() {
        for (value, words) in [
            (0, "no"),
            (1, "one"),
            (13, "thirteen"),
            (20, "twenty"),
            (42, "forty-two"),
            (100, "one hundred"),
            (300, "three hundred"),
            (319, "three hundred and nineteen"),
            (1000, "one thousand"),
            (1001, "one thousand and one"),
            (5_120, "five thousand one hundred and twenty"),
            (50_000, "fifty thousand"),
            (
                999_999,
                "nine hundred and ninety-nine thousand nine hundred and ninety-nine",
            ),
            (1_000_000, "1000000"),
        ] {
            assert_eq!(number(value), words);
        }
        assert_eq!(sentence(300), "Three hundred");
    }
}
