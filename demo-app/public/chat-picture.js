/** A file of the person's goes in, a file of a UI message comes out; and one to try with, drawn here. */

export function fromFile(file) {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () =>
      resolve({ type: 'file', mediaType: file.type, filename: file.name, url: reader.result });
    reader.onerror = () => reject(reader.error);
    reader.readAsDataURL(file);
  });
}

/** A sun above two hills. */
export function samplePicture() {
  const canvas = Object.assign(document.createElement('canvas'), { width: 120, height: 80 });
  const draw = canvas.getContext('2d');
  const disc = (colour, x, y, radius) => {
    draw.fillStyle = colour;
    draw.beginPath();
    draw.arc(x, y, radius, 0, 2 * Math.PI);
    draw.fill();
  };
  draw.fillStyle = '#bfe0ff';
  draw.fillRect(0, 0, 120, 80);
  disc('#ffc83d', 86, 26, 13);
  disc('#5aa469', 30, 104, 56);
  disc('#3f7d58', 96, 112, 54);
  const url = canvas.toDataURL('image/png');
  return { type: 'file', mediaType: 'image/png', filename: 'hills.png', url };
}
