/** A picture goes in; what a script can say of it comes out: that it has arrived, and what the first bytes of a PNG tell. */
export function describePicture(mediaType, base64) {
  const bytes = Buffer.from(base64, 'base64');
  const size =
    mediaType === 'image/png' && bytes.length >= 24
      ? `, ${bytes.readUInt32BE(16)} × ${bytes.readUInt32BE(20)} pixels`
      : '';
  return `The picture has arrived: ${mediaType}${size}, ${bytes.length} bytes. I am a script and cannot tell what is on it.`;
}
