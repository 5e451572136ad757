// Opens the series ?series=URL as a streaming volume, coarse by byte ranges first, and reports in
// window.REPORT the SHA-256 of what Cornerstone3D holds for each slice, in the order of the volume.
import {
  cache, cornerstoneStreamingImageVolumeLoader, Enums, eventTarget, init, ProgressiveRetrieveImages,
  utilities, volumeLoader,
} from '@cornerstonejs/core';
import imageLoader from '@cornerstonejs/dicom-image-loader';
import { registerDefaultProviders, utilities as metadata } from '@cornerstonejs/metadata';

const report = { done: false, errors: [], slices: [], statuses: [] };
window.REPORT = report;
const complain = (what) => report.errors.push(String(what?.stack ?? what?.message ?? what));
addEventListener('error', (event) => complain(event.message));
addEventListener('unhandledrejection', (event) => complain(event.reason));

const hex = (bytes) => [...new Uint8Array(bytes)].map((one) => one.toString(16).padStart(2, '0')).join('');

async function open(series) {
  registerDefaultProviders();
  imageLoader.init({ maxWebWorkers: 2 });
  const scheme = 'cornerstoneStreamingImageVolume';
  volumeLoader.registerVolumeLoader(scheme, cornerstoneStreamingImageVolumeLoader);
  volumeLoader.registerUnknownVolumeLoader(cornerstoneStreamingImageVolumeLoader);
  await init();
  utilities.imageRetrieveMetadataProvider.add('volume', {
    ...ProgressiveRetrieveImages.interleavedRetrieveStages,
    retrieveOptions: {
      multipleFast: { rangeIndex: 0, initialChunkSize: 4000, decodeLevel: 2 },
      multipleFinal: { rangeIndex: -1 },
    },
  });
  const answer = await fetch(`${series}/metadata`, { headers: { Accept: 'application/dicom+json' } });
  const imageIds = (await answer.json()).map((instance) => {
    const id = `wadors:${series}/instances/${instance['00080018'].Value[0]}/frames/1`;
    imageLoader.wadors.metaDataManager.add(id, instance);
    metadata.addDicomWebInstance?.(id, instance);
    return id;
  });
  const volume = await volumeLoader.createAndCacheVolume(`${scheme}:TEST`, { imageIds });
  eventTarget.addEventListener(Enums.Events.IMAGE_LOAD_ERROR, (event) => complain(event.detail.error));
  const isWhole = () => imageIds.every((_, k) => volume.cachedFrames[k] === Enums.ImageQualityStatus.FULL_RESOLUTION);
  await new Promise((resolve) => {
    eventTarget.addEventListener(Enums.Events.IMAGE_VOLUME_MODIFIED, () => isWhole() && resolve());
    volume.load();
  });
  for (const id of volume.imageIds) {
    const image = cache.getImage(id);
    const values = Float64Array.from(image.getPixelData());
    report.slices.push({ id, rows: image.rows, columns: image.columns, sha256: hex(await crypto.subtle.digest('SHA-256', values)) });
  }
  report.spacing = volume.spacing;
  report.dimensions = volume.dimensions;
  report.requests = performance.getEntriesByType('resource').filter((one) => one.name.includes('/frames/')).length;
}

open(new URLSearchParams(location.search).get('series')).catch(complain).finally(() => { report.done = true; });
