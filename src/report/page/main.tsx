/** @file Begins the page of a report. */
import { render } from 'preact';
import { App } from './App.js';
import { readReport } from './chunks.js';
import { LiveApp } from './LiveApp.js';
import { guardText } from './text.js';
import { startTheme } from './theme.js';
import 'uplot/dist/uPlot.min.css';
import './page.css';

guardText();
startTheme();
const root = document.getElementById('page')!;
root.replaceChildren();
render(document.body.dataset.live === undefined ? <App report={readReport()} /> : <LiveApp />, root);
