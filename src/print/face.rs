//! The fonts: DejaVu, which covers Latin, Greek, Cyrillic and much else.

use std::sync::LazyLock;

use super::svg::Pen;

/// A font that is embedded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Face {
    /// For reading.
    Text,
    /// For headings.
    Bold,
    /// For what is typed.
    Mono,
}

impl Face {
    pub(super) const ALL: [Self; 3] = [Self::Text, Self::Bold, Self::Mono];

    pub(super) fn bytes(self) -> &'static [u8] {
        match self {
            Self::Text => include_bytes!("fonts/DejaVuSans.ttf"),
            Self::Bold => include_bytes!("fonts/DejaVuSans-Bold.ttf"),
            Self::Mono => include_bytes!("fonts/DejaVuSansMono.ttf"),
        }
    }

    fn parsed(self) -> Option<&'static ttf_parser::Face<'static>> {
        static FACES: LazyLock<Vec<Option<ttf_parser::Face<'static>>>> = LazyLock::new(|| {
            Face::ALL
                .iter()
                .map(|face| ttf_parser::Face::parse(face.bytes(), 0).ok())
                .collect()
        });
        FACES[self as usize].as_ref()
    }

    /// The number of a character's glyph and its advance for a size of one; `None` where the font
    /// has no such character.
    pub(super) fn glyph(self, character: char) -> Option<(u32, f32)> {
        let face = self.parsed()?;
        let glyph = face.glyph_index(character)?;
        let advance = f32::from(face.glyph_hor_advance(glyph)?);
        Some((u32::from(glyph.0), advance / f32::from(face.units_per_em())))
    }

    /// Draws a character's outline; `scale` turns the size of a unit for a size of one into the pen's.
    pub(super) fn outline(self, character: char, scale: impl Fn(f32) -> f32, pen: &mut Pen) {
        let Some(face) = self.parsed() else { return };
        pen.scale = scale(1.0 / f32::from(face.units_per_em()));
        if let Some(glyph) = face.glyph_index(character) {
            // A blank has none.
            let _ = face.outline_glyph(glyph, pen);
        }
    }

    /// Width of a text that was made [`printable`], in points.
    pub(super) fn width(self, text: &str, size: f32) -> f32 {
        let advances = text.chars().filter_map(|one| self.glyph(one));
        advances.map(|(_, advance)| advance * size).sum()
    }
}

/// The text with every character that the font lacks, or that has no width, as `\u{...}`.
pub(super) fn printable(text: &str, face: Face) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        let known = !character.is_control()
            && face
                .glyph(character)
                .is_some_and(|(glyph, advance)| glyph != 0 && advance > 0.0);
        if known {
            out.push(character);
        } else {
            out.extend(character.escape_unicode());
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_fonts_lack_is_escaped() {
        for face in Face::ALL {
            assert_eq!(printable("Größe Ελλάδα Київ", face), "Größe Ελλάδα Київ");
            assert_eq!(printable("a\u{7}b", face), "a\\u{7}b");
            assert_eq!(printable("\u{4e2d}", face), "\\u{4e2d}");
        }
    }

    #[test]
    fn characters_of_the_typed_font_are_equally_wide() {
        let one = Face::Mono.width("i", 10.0);
        assert!((Face::Mono.width("MW0", 10.0) - 3.0 * one).abs() < 0.001);
        assert!(Face::Text.width("i", 10.0) < Face::Text.width("W", 10.0));
    }
}
