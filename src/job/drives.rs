//! The drives a run holds, and the cartridges in them.

use std::sync::Arc;

use tapeward_drivers::Drive;
use tapeward_drivers::smc::ElementAddress;

use super::step::RunContext;
use crate::error::{Error, Result};
use crate::id::Barcode;
use crate::library::mount::{HeldDrive, Seat};
use crate::tape::volume::VolumeReader;

/// Held drives: empty ones, and those with a cartridge that nobody is working with right now.
#[derive(Debug)]
pub struct Drives {
    context: RunContext,
    idle: Vec<HeldDrive>,
    mounted: Vec<(Seat, Drive)>,
}

impl Drives {
    /// Starts with these drives.
    #[must_use]
    pub fn new(context: RunContext, idle: Vec<HeldDrive>) -> Self {
        Self {
            context,
            idle,
            mounted: Vec::new(),
        }
    }

    /// How many drives nobody is working with.
    #[must_use]
    pub fn available(&self) -> usize {
        self.idle.len() + self.mounted.len()
    }

    /// Whether a cartridge is mounted and nobody is working with it.
    #[must_use]
    pub fn has(&self, barcode: &Barcode) -> bool {
        self.mounted
            .iter()
            .any(|(seat, _)| seat.barcode == *barcode)
    }

    /// The cartridge, mounted: as it is, or in an empty drive, or in place of another.
    pub fn take(&mut self, barcode: &Barcode) -> Result<(Seat, Drive)> {
        if let Some(index) = self
            .mounted
            .iter()
            .position(|(seat, _)| seat.barcode == *barcode)
        {
            return Ok(self.mounted.swap_remove(index));
        }
        let held = match self.idle_for(barcode)? {
            Some(held) => held,
            None => {
                let (seat, drive) = self
                    .mounted
                    .pop()
                    .ok_or_else(|| Error::failed(format!("no drive is free to mount {barcode}")))?;
                self.context
                    .library
                    .unmount(seat, drive, None, &self.context)?
            }
        };
        match self.context.library.mount(held, barcode, &self.context) {
            Ok(mounted) => Ok(mounted),
            Err(failed) => {
                self.idle.push(failed.held);
                Err(failed.error)
            }
        }
    }

    /// An empty drive, preferring the one a process that died may have left the cartridge in.
    fn idle_for(&mut self, barcode: &Barcode) -> Result<Option<HeldDrive>> {
        if self.idle.is_empty() {
            return Ok(None);
        }
        let view = self.context.library.view()?;
        let place = view.find(barcode)?.map(|place| place.address);
        let index = self
            .idle
            .iter()
            .position(|held| Some(held.site.element) == place)
            .unwrap_or(self.idle.len() - 1);
        Ok(Some(self.idle.swap_remove(index)))
    }

    /// Gives a mounted cartridge back; it stays in its drive.
    pub fn put(&mut self, seat: Seat, drive: Drive) {
        self.mounted.push((seat, drive));
    }

    /// Gives back a cartridge whose drive was lost with its thread.
    pub fn put_reopened(&mut self, seat: Seat) -> Result<()> {
        let drive = self.context.library.open_unit(&seat.held.site.unit)?;
        self.put(seat, drive);
        Ok(())
    }

    /// Takes a cartridge out of its drive and brings it home, or to `to`.
    pub fn unmount(&mut self, barcode: &Barcode, to: Option<ElementAddress>) -> Result<()> {
        if let Some(index) = self
            .mounted
            .iter()
            .position(|(seat, _)| seat.barcode == *barcode)
        {
            let (seat, drive) = self.mounted.swap_remove(index);
            let held = self
                .context
                .library
                .unmount(seat, drive, to, &self.context)?;
            self.idle.push(held);
        }
        Ok(())
    }

    /// Takes every cartridge out of its drive.
    pub fn unmount_all(&mut self) -> Result<()> {
        let barcodes: Vec<Barcode> = self
            .mounted
            .iter()
            .map(|(seat, _)| seat.barcode.clone())
            .collect();
        barcodes
            .iter()
            .try_for_each(|barcode| self.unmount(barcode, None))
    }

    /// Works with a volume in a drive.
    pub fn with_reader<T>(
        &mut self,
        volume: crate::id::VolumeId,
        work: impl FnOnce(&mut VolumeReader) -> Result<T>,
    ) -> Result<T> {
        let app = Arc::clone(&self.context.app);
        let barcode = app.catalogue.read(|view| {
            let volume = view.volume(volume)?;
            Ok::<_, Error>(view.cartridge(volume.cartridge)?.barcode)
        })?;
        let (seat, drive) = self.take(&barcode)?;
        match VolumeReader::open(drive, volume) {
            Ok(mut reader) => {
                let outcome = work(&mut reader);
                self.put(seat, reader.into_drive());
                outcome
            }
            Err(failed) => {
                self.put(seat, failed.drive);
                Err(Error::failed(format!("cannot read {barcode}")).because(failed.error))
            }
        }
    }
}
