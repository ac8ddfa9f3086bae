//! How the stream of a set is coded, cut and buffered.

use super::blocks;
use super::run::Job;
use crate::catalogue::{BackupSet, Compression, Encryption, SetDefinition};
use crate::error::Result;
use crate::key::Recipient;
use crate::tape::Codec;
use crate::tape::stream::StreamOptions;

impl Job {
    /// Of a set that is written.
    ///
    /// # Errors
    /// It is encrypted to a key of which only the id is known.
    pub(super) fn stream_options(
        &self,
        set: &BackupSet,
        definition: &SetDefinition,
    ) -> Result<StreamOptions> {
        let recipients = self.recipients_of(set)?;
        let recipients = recipients.iter().map(|known| known.parse());
        self.options_to(set, definition, recipients.collect::<Result<_>>()?)
    }

    /// As [`Job::stream_options`], for what is coded already: of a sealed set nobody here knows to
    /// whom it is encrypted.
    pub(super) fn copy_options(
        &self,
        set: &BackupSet,
        definition: &SetDefinition,
    ) -> Result<StreamOptions> {
        let recipients = self.recipients_of(set)?;
        let known = recipients.iter().filter_map(|known| known.parse().ok());
        self.options_to(set, definition, known.collect())
    }

    fn recipients_of(&self, set: &BackupSet) -> Result<Vec<String>> {
        self.context.app.catalogue.read(|view| {
            let keys = set.recipients.iter();
            keys.map(|key| Ok(view.key(*key)?.recipient)).collect()
        })
    }

    fn options_to(
        &self,
        set: &BackupSet,
        definition: &SetDefinition,
        recipients: Vec<Recipient>,
    ) -> Result<StreamOptions> {
        let app = &self.context.app;
        let blocks = app.catalogue.read(|view| {
            let copies = view.set_copies(set.id)?;
            let pools = copies.iter().map(|copy| &copy.pool);
            blocks::of_pools(&app.config, view, pools)
        })?;
        let stream = &app.config.stream;
        Ok(StreamOptions {
            blocks,
            segment_size: stream.segment_size.as_u64(),
            ring_size: stream.ring_size.as_u64(),
            // A set keeps to what it was begun with.
            codec: match (definition.compression, set.encryption) {
                (Compression::None, Encryption::Age) => Codec::Age,
                (Compression::Zstd, Encryption::Age) => Codec::ZstdAge,
                (Compression::None, Encryption::Drive) => Codec::Drive,
                (Compression::Zstd, Encryption::Drive) => Codec::ZstdDrive,
            },
            recipients,
        })
    }
}
