//! Images for a board's boot ROM, which takes files in the format UF2: blocks of 512 bytes that carry 256 bytes each.

/// Returns the blocks of an image that begins at an address of the flash.
pub(crate) fn encode(image: &[u8], start: u32) -> Vec<u8> {
    let parts: Vec<_> = image.chunks(PART).collect();
    let count = u32::try_from(parts.len()).unwrap_or(u32::MAX);
    // A chip of stepping A2 takes a file only after a block for no chip (RP2350-E10).
    let mut file = block(ABSOLUTE, NOWHERE, (0, 2), &[0xEF; PART]);
    let places = (start..).step_by(PART);
    for ((number, place), part) in (0..).zip(places).zip(parts) {
        file.extend(block(RP2350_ARM_SECURE, place, (number, count), part));
    }
    file
}

fn block(family: u32, place: u32, (number, count): (u32, u32), part: &[u8]) -> Vec<u8> {
    let has_family = 0x2000;
    let fields = [
        MAGIC_1, MAGIC_2, has_family, place, 256, number, count, family,
    ];
    let mut block: Vec<u8> = fields.into_iter().flat_map(u32::to_le_bytes).collect();
    block.extend(part);
    block.resize(BLOCK - 4, 0);
    block.extend(MAGIC_3.to_le_bytes());
    block
}

const BLOCK: usize = 512;
const PART: usize = 256;
const MAGIC_1: u32 = 0x0A32_4655;
const MAGIC_2: u32 = 0x9E5D_5157;
const MAGIC_3: u32 = 0x0AB1_6F30;
const RP2350_ARM_SECURE: u32 = 0xE48B_FF59;
const ABSOLUTE: u32 = 0xE48B_FF57;
const NOWHERE: u32 = 0x10FF_FF00;

#[cfg(test)]
mod tests {
    use super::*;

    fn word(block: &[u8], index: usize) -> u32 {
        u32::from_le_bytes(*block[4 * index..].first_chunk().unwrap())
    }

    #[test]
    fn blocks_carry_the_image_piece_by_piece() {
        let image: Vec<u8> = (0..600).map(|at| u8::try_from(at % 251).unwrap()).collect();
        let file = encode(&image, 0x1000_0000);
        let blocks: Vec<_> = file.chunks(512).collect();
        assert_eq!(blocks.len(), 4);
        let mut carried = Vec::new();
        for (number, block) in (0..).zip(&blocks[1..]) {
            assert_eq!(
                (word(block, 0), word(block, 1), word(block, 127)),
                (MAGIC_1, MAGIC_2, MAGIC_3)
            );
            assert_eq!(
                (word(block, 3), word(block, 4)),
                (0x1000_0000 + 256 * number, 256)
            );
            assert_eq!(
                (word(block, 5), word(block, 6), word(block, 7)),
                (number, 3, 0xE48B_FF59)
            );
            carried.extend(&block[32..288]);
        }
        assert_eq!(carried[..600], image[..]);
        assert!(carried[600..].iter().all(|byte: &u8| *byte == 0));
        assert_eq!(
            (word(blocks[0], 3), word(blocks[0], 7)),
            (NOWHERE, ABSOLUTE)
        );
    }
}
