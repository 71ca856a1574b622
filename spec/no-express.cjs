/** Stands for Express where a spec runs once: what loads Express must be tested on both majors. */
throw new Error(
  "This spec loads Express, but runs once. Write `import express from 'express'` in the spec itself: then it runs on both " +
    'majors (jest.config.js; start Jest anew in watch mode).',
);
