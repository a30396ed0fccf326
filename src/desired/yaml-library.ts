// A static import within a module that is itself imported lazily: bundlers then resolve the names of a CommonJS package.
export * as library from 'yaml';
